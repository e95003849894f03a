// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/papers.h"

#include <algorithm>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/experiment/embedded.h"

namespace laconic {
namespace {

constexpr const char* kAll = "all";

}  // namespace

const std::vector<PaperExperiment>& papers() {
  static const std::vector<PaperExperiment> table = {
      {"marina",
       "MARINA against DIANA",
       "Gorbunov, Burlachenko, Li, Richtarik, ICML 2021, arXiv 2102.07845",
       {{"marina", 400, 24}, {"marina-vr", 9, 9}}},
      {"3pc-quadratics",
       "3PCv2 against EF21 on quadratics",
       "Richtarik et al., ICML 2022, arXiv 2202.00998",
       {{"3pc-quadratics", 900, 5}}},
      {"clag-heatmap",
       "The heat map of CLAG",
       "Richtarik et al., ICML 2022, arXiv 2202.00998",
       {{"clag-ijcnn1", 140, 6}}},
      {"autoencoder",
       "3PC on an autoencoder",
       "Richtarik et al., ICML 2022, arXiv 2202.00998",
       {{"autoencoder", 1000, 23}}},
      {"k-gt",
       "Gradient tracking with local steps",
       "Liu, Lin, Koloskova, Stich 2023, arXiv 2301.01313",
       {{"k-gt-rounds", 1, 1},
        {"k-gt-heterogeneity", 2, 2},
        {"k-gt-noise", 60, 5},
        {"k-gt-logistic", 3, 3},
        {"k-gt-tuned", 9, 4},
        {"k-gt-mnist", 700, 7}}},
      {"savic",
       "Local steps with adaptive scaling",
       "\"Local Methods with Adaptivity via Scaling\" 2024, arXiv 2406.00846",
       {{"savic-scaling", 440, 11}, {"savic-split", 2400, 18}, {"savic-accuracy", 1500, 10}}},
      {"gc-1bit",
       "1-bit gradient coding",
       "Li, Skoglund 2024, arXiv 2403.14716",
       {{"gc-redundancy", 240, 20},
        {"gc-signs", 180, 34},
        {"gc-bits", 360, 12},
        {"gc-fashion-mnist", 600, 30},
        {"gc-fashion-mnist-stragglers", 240, 10},
        {"gc-fashion-mnist-floors", 960, 17}}},
      {"dasha",
       "Successors of MARINA and EF21, steps tuned",
       "Tyurin, Richtarik, ICLR 2023, arXiv 2202.01268; Condat, Yi, Richtarik 2022, arXiv 2205.04180",
       {{"star-uplink", 272, 2}, {"star-fashion-mnist", 440, 45}}},
      {"two-way",
       "Compression in both directions",
       "Fatkhullin et al. 2021, arXiv 2110.03294; Gruntkowska, Tyurin, Richtarik 2022, arXiv 2209.15218",
       {{"two-way", 262, 9}}},
      {"marina-p",
       "MARINA-P with Perm-K on quadratics",
       "Gruntkowska, Tyurin, Richtarik, NeurIPS 2024, arXiv 2402.06412",
       {{"marina-p", 23, 3}}},
      {"byzantine",
       "Rules of the server against clients that lie",
       "Gorbunov, Horvath, Richtarik, Gidel, ICLR 2023, arXiv 2206.00529",
       {{"byzantine", 4, 4}}},
      {"ef21-sgdm",
       "EF21 with momentum, one row a round",
       "Fatkhullin, Tyurin, Richtarik, NeurIPS 2023, arXiv 2305.15155",
       {{"ef21-sgdm", 87, 11}}},
      {"gossip",
       "Without a server: exact methods and compressed ones",
       "arXiv 1902.00340, 1803.07068, 2201.13320, 2007.00232, 2302.00620",
       {{"gossip-uplink", 900, 4}, {"gossip-exact", 170, 4}, {"gossip-limits", 40, 3}}},
      {"scaffnew",
       "Local steps with control variates, and compression",
       "Mishchenko et al., ICML 2022, arXiv 2202.09357; Condat et al. 2022, arXiv 2210.13277; arXiv "
       "2403.04348",
       {{"local-uplink", 190, 7}, {"local-uplink-compressed", 300, 15}}},
      {"local-fashion-mnist",
       "Local steps and compression in both directions",
       "Douillard et al. 2023, arXiv 2311.08105; Sarfi et al. 2025, arXiv 2508.15706; arXiv 2505.23725",
       {{"local-fashion-mnist", 500, 47}}},
  };
  return table;
}

const std::vector<PaperExperiment>& single_configs() {
  static const std::vector<PaperExperiment> table = [] {
    std::vector<PaperExperiment> singles;
    for (const PaperExperiment& paper : papers()) {
      for (const Part& part : paper.parts) {
        const auto has_its_name = [&](const PaperExperiment& each) {
          return std::string_view(each.name) == part.config;
        };
        if (std::none_of(papers().begin(), papers().end(), has_its_name))
          singles.push_back({part.config, paper.title, paper.paper, {part}});
      }
    }
    return singles;
  }();
  return table;
}

std::vector<const PaperExperiment*> papers_named(const std::string& name) {
  std::vector<const PaperExperiment*> named;
  std::vector<std::string> known;
  for (const PaperExperiment& each : papers()) {
    known.emplace_back(each.name);
    if (name == each.name || name == kAll) named.push_back(&each);
  }
  known.emplace_back(kAll);
  for (const PaperExperiment& each : single_configs()) {
    known.emplace_back(each.name);
    if (name == each.name) named.push_back(&each);
  }
  if (named.empty()) {
    throw InputError(name.empty()
                         ? fmt::format("reproduce: which experiment? known: {}", fmt::join(known, ", "))
                         : fmt::format("reproduce: unknown experiment \"{}\"{}; known: {}", name,
                                       did_you_mean(name, known), fmt::join(known, ", ")));
  }
  return named;
}

std::vector<KeyValue> settings_of_config(const std::string& config, bool quick) {
  const std::string name = config + ".toml";
  const std::span<const EmbeddedFile> files = configs();
  const auto file =
      std::find_if(files.begin(), files.end(), [&](const auto& each) { return each.name == name; });
  check(file != files.end(), "an experiment's sweep is in configs/");
  return parse_toml(file->content, "configs/" + name, quick);
}

}  // namespace laconic
