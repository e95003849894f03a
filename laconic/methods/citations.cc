// SPDX-License-Identifier: Apache-2.0
#include "laconic/methods/citations.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace laconic {
namespace {

constexpr const char* kIcml = "International Conference on Machine Learning (ICML)";
constexpr const char* kIclr = "International Conference on Learning Representations (ICLR)";
constexpr const char* kNeurips = "Advances in Neural Information Processing Systems (NeurIPS)";

constexpr Citation kCitations[] = {
    {"1602.05629", "mcmahan2017communication",
     R"(McMahan, Brendan and Moore, Eider and Ramage, Daniel and Hampson, Seth and Ag{\"u}era y Arcas, Blaise)",
     "Communication-Efficient Learning of Deep Networks from Decentralized Data", 2017,
     "Artificial Intelligence and Statistics (AISTATS)"},
    {"1610.02132", "alistarh2017qsgd",
     "Alistarh, Dan and Grubic, Demjan and Li, Jerry and Tomioka, Ryota and Vojnovic, Milan",
     "{QSGD}: Communication-Efficient {SGD} via Gradient Quantization and Encoding", 2017, kNeurips},
    {"1612.03301", "tandon2017gradient",
     "Tandon, Rashish and Lei, Qi and Dimakis, Alexandros G. and Karampatziakis, Nikos",
     "Gradient Coding: Avoiding Stragglers in Distributed Learning", 2017, kIcml},
    {"1704.07807", "li2017decentralized", "Li, Zhi and Shi, Wei and Yan, Ming",
     "A Decentralized Proximal-Gradient Method with Network Independent Step-sizes and Separated Convergence "
     "Rates",
     2017},
    {"1711.06771", "charles2017approximate",
     "Charles, Zachary and Papailiopoulos, Dimitris and Ellenberg, Jordan",
     "Approximate Gradient Coding via Sparse Random Graphs", 2017},
    {"1802.04434", "bernstein2018signsgd",
     "Bernstein, Jeremy and Wang, Yu-Xiang and Azizzadenesheli, Kamyar and Anandkumar, Animashree",
     "{signSGD}: Compressed Optimisation for Non-Convex Problems", 2018, kIcml},
    {"1803.07068", "tang2018d2", "Tang, Hanlin and Lian, Xiangru and Yan, Ming and Zhang, Ce and Liu, Ji",
     "{D$^2$}: Decentralized Training over Decentralized Data", 2018, kIcml},
    {"1805.09767", "stich2019local", "Stich, Sebastian U.",
     "Local {SGD} Converges Fast and Communicates Little", 2019, kIclr},
    {"1806.06573", "khirirat2018distributed",
     "Khirirat, Sarit and Feyzmahdavian, Hamid Reza and Johansson, Mikael",
     "Distributed learning with compressed gradients", 2018},
    {"1812.06127", "li2020federated",
     "Li, Tian and Sahu, Anit Kumar and Zaheer, Manzil and Sanjabi, Maziar and Talwalkar, Ameet and Smith, "
     "Virginia",
     "Federated Optimization in Heterogeneous Networks", 2020, "Machine Learning and Systems (MLSys)"},
    {"1901.09269", "mishchenko2019distributed",
     R"(Mishchenko, Konstantin and Gorbunov, Eduard and Tak{\'a}{\v{c}}, Martin and Richt{\'a}rik, Peter)",
     "Distributed Learning with Compressed Gradient Differences", 2019},
    {"1901.09671", "wang2019erasurehead", "Wang, Hongyi and Charles, Zachary and Papailiopoulos, Dimitris",
     "{ErasureHead}: Distributed Gradient Descent without Delays Using Approximate Gradient Coding", 2019},
    {"1901.09847", "karimireddy2019error",
     "Karimireddy, Sai Praneeth and Rebjock, Quentin and Stich, Sebastian U. and Jaggi, Martin",
     "Error Feedback Fixes {SignSGD} and other Gradient Compression Schemes", 2019, kIcml},
    {"1902.00340", "koloskova2019decentralized",
     "Koloskova, Anastasia and Stich, Sebastian U. and Jaggi, Martin",
     "Decentralized Stochastic Optimization and Gossip Algorithms with Compressed Communication", 2019,
     kIcml},
    {"1904.05115", "horvath2019stochastic",
     R"(Horv{\'a}th, Samuel and Kovalev, Dmitry and Mishchenko, Konstantin and Stich, Sebastian and Richt{\'a}rik, Peter)",
     "Stochastic Distributed Learning with Gradient Quantization and Variance Reduction", 2019},
    {"1905.05383", "bitar2020stochastic", "Bitar, Rawad and Wootters, Mary and El Rouayheb, Salim",
     "Stochastic Gradient Coding for Straggler Mitigation in Distributed Learning", 2020,
     "IEEE Journal on Selected Areas in Information Theory"},
    {"1905.10988", "horvath2019natural",
     R"(Horv{\'a}th, Samuel and Ho, Chen-Yu and Horv{\'a}th, {\v{L}}udov{\'i}t and Sahu, Atal Narayan and Canini, Marco and Richt{\'a}rik, Peter)",
     "Natural Compression for Distributed Deep Learning", 2019},
    {"1905.13727", "vogels2019powersgd", "Vogels, Thijs and Karimireddy, Sai Praneeth and Jaggi, Martin",
     "{PowerSGD}: Practical Low-Rank Gradient Compression for Distributed Optimization", 2019, kNeurips},
    {"1910.06378", "karimireddy2020scaffold",
     "Karimireddy, Sai Praneeth and Kale, Satyen and Mohri, Mehryar and Reddi, Sashank J. and Stich, "
     "Sebastian U. and Suresh, Ananda Theertha",
     "{SCAFFOLD}: Stochastic Controlled Averaging for Federated Learning", 2020, kIcml},
    {"2003.00295", "reddi2021adaptive",
     R"(Reddi, Sashank and Charles, Zachary and Zaheer, Manzil and Garrett, Zachary and Rush, Keith and Kone{\v{c}}n{\'y}, Jakub and Kumar, Sanjiv and McMahan, H. Brendan)",
     "Adaptive Federated Optimization", 2021, kIclr},
    {"2003.10422", "koloskova2020unified",
     "Koloskova, Anastasia and Loizou, Nicolas and Boreiri, Sadra and Jaggi, Martin and Stich, Sebastian U.",
     "A Unified Theory of Decentralized {SGD} with Changing Topology and Local Updates", 2020, kIcml},
    {"2007.00232", "liu2021linear",
     "Liu, Xiaorui and Li, Yao and Wang, Rongrong and Tang, Jiliang and Yan, Ming",
     "Linear Convergent Decentralized Optimization with Compression", 2021, kIclr},
    {"2007.07481", "wang2020tackling",
     "Wang, Jianyu and Liu, Qinghua and Liang, Hao and Joshi, Gauri and Poor, H. Vincent",
     "Tackling the Objective Inconsistency Problem in Heterogeneous Federated Optimization", 2020, kNeurips},
    {"2102.07845", "gorbunov2021marina",
     R"(Gorbunov, Eduard and Burlachenko, Konstantin and Li, Zhize and Richt{\'a}rik, Peter)",
     "{MARINA}: Faster Non-Convex Distributed Learning with Compression", 2021, kIcml},
    {"2106.05203", "richtarik2021ef21", R"(Richt{\'a}rik, Peter and Sokolov, Igor and Fatkhullin, Ilyas)",
     "{EF21}: A New, Simpler, Theoretically Better, and Practically Faster Error Feedback", 2021, kNeurips},
    {"2110.03294", "fatkhullin2025bells",
     R"(Fatkhullin, Ilyas and Sokolov, Igor and Gorbunov, Eduard and Li, Zhize and Richt{\'a}rik, Peter)",
     R"({EF21} with Bells \& Whistles: Six Algorithmic Extensions of Modern Error Feedback)", 2025,
     "Journal of Machine Learning Research"},
    {"2110.03300", "szlendak2022permutation",
     R"(Szlendak, Rafa{\l} and Tyurin, Alexander and Richt{\'a}rik, Peter)",
     "Permutation Compressors for Provably Faster Distributed Nonconvex Optimization", 2022, kIclr},
    {"2201.13320", "zhao2022beer",
     R"(Zhao, Haoyu and Li, Boyue and Li, Zhize and Richt{\'a}rik, Peter and Chi, Yuejie)",
     "{BEER}: Fast {$O(1/T)$} Rate for Decentralized Nonconvex Optimization with Communication Compression",
     2022, kNeurips},
    {"2202.00998", "richtarik20223pc",
     R"(Richt{\'a}rik, Peter and Sokolov, Igor and Gasanov, Elnur and Fatkhullin, Ilyas and Li, Zhize and Gorbunov, Eduard)",
     "{3PC}: Three Point Compressors for Communication-Efficient Distributed Training and a Better Theory "
     "for Lazy Aggregation",
     2022, kIcml},
    {"2202.01268", "tyurin2023dasha", R"(Tyurin, Alexander and Richt{\'a}rik, Peter)",
     "{DASHA}: Distributed Nonconvex Optimization with Communication Compression and Optimal Oracle "
     "Complexity",
     2023, kIclr},
    {"2202.03836", "koloskova2021improved", "Koloskova, Anastasia and Lin, Tao and Stich, Sebastian U.",
     "An Improved Analysis of Gradient Tracking for Decentralized Machine Learning", 2021, kNeurips},
    {"2202.09357", "mishchenko2022proxskip",
     R"(Mishchenko, Konstantin and Malinovsky, Grigory and Stich, Sebastian and Richt{\'a}rik, Peter)",
     "{ProxSkip}: Yes! {L}ocal Gradient Steps Provably Lead to Communication Acceleration! {F}inally!", 2022,
     kIcml},
    {"2205.04180", "condat2022efbv", R"(Condat, Laurent and Yi, Kai and Richt{\'a}rik, Peter)",
     "{EF-BV}: A Unified Theory of Error Feedback and Variance Reduction Mechanisms for Biased and Unbiased "
     "Compression in Distributed Optimization",
     2022, kNeurips},
    {"2205.15580", "tyurin2022computation", R"(Tyurin, Alexander and Richt{\'a}rik, Peter)",
     "A Computation and Communication Efficient Method for Distributed Nonconvex Problems in the Partial "
     "Participation Setting",
     2022},
    {"2209.15218", "gruntkowska2023ef21p",
     R"(Gruntkowska, Kaja and Tyurin, Alexander and Richt{\'a}rik, Peter)",
     "{EF21-P} and Friends: Improved Theoretical Communication Complexity for Distributed Optimization with "
     "Bidirectional Compression",
     2023, kIcml},
    {"2210.13277", "condat2022provably", R"(Condat, Laurent and Agarsk{\'y}, Ivan and Richt{\'a}rik, Peter)",
     "Provably Doubly Accelerated Federated Learning: The First Theoretically Successful Combination of "
     "Local Training and Communication Compression",
     2022},
    {"2301.01313", "liu2023decentralized",
     "Liu, Yue and Lin, Tao and Koloskova, Anastasia and Stich, Sebastian U.",
     "Decentralized Gradient Tracking with Local Steps", 2023},
    {"2302.00620", "alghunaim2023local", "Alghunaim, Sulaiman A.",
     "Local Exact-Diffusion for Decentralized Optimization and Learning", 2023},
    {"2305.15155", "fatkhullin2023momentum",
     R"(Fatkhullin, Ilyas and Tyurin, Alexander and Richt{\'a}rik, Peter)",
     "Momentum Provably Improves Error Feedback!", 2023, kNeurips},
    {"2311.05645", "gao2024econtrol", "Gao, Yuan and Islamov, Rustem and Stich, Sebastian U.",
     "{EControl}: Fast Distributed Optimization with Compression and Error Control", 2024, kIclr},
    {"2311.08105", "douillard2023diloco",
     "Douillard, Arthur and Feng, Qixuan and Rusu, Andrei A. and Chhaparia, Rachita and Donchev, Yani and "
     "Kuncoro, Adhiguna and Ranzato, Marc'Aurelio and Szlam, Arthur and Shen, Jiajun",
     "{DiLoCo}: Distributed Low-Communication Training of Language Models", 2023},
    {"2402.06412", "gruntkowska2024improving",
     R"(Gruntkowska, Kaja and Tyurin, Alexander and Richt{\'a}rik, Peter)",
     "Improving the Worst-Case Bidirectional Communication Complexity for Nonconvex Distributed Optimization "
     "under Function Similarity",
     2024, kNeurips},
    {"2403.04348", "condat2024locodl", R"(Condat, Laurent and Maranjyan, Arto and Richt{\'a}rik, Peter)",
     "{LoCoDL}: Communication-Efficient Distributed Learning with Local Training and Compression", 2024},
    {"2403.14716", "li2024distributed", "Li, Chengxi and Skoglund, Mikael",
     "Distributed Learning based on 1-Bit Gradient Coding in the Presence of Stragglers", 2024},
    {"2405.20114", "islamov2024towards", "Islamov, Rustem and Gao, Yuan and Stich, Sebastian U.",
     "Towards Faster Decentralized Stochastic Optimization with Communication Compression", 2024},
    {"2406.00846", "chezhegov2024local",
     R"(Chezhegov, Savelii and Skorik, Sergey and Khachaturov, Nikolas and Shalagin, Danil and Avetisyan, Aram and Tak{\'a}{\v{c}}, Martin and Kholodov, Yaroslav and Beznosikov, Aleksandr)",
     "Local Methods with Adaptivity via Scaling", 2024, "Russian Mathematical Surveys"},
    {"2411.19870", "peng2024demo",
     "Peng, Bowen and Chen, Lizhang and Su, Baiyu and Quesnelle, Jeffrey and Kingma, Diederik P. and Liu, "
     "Qiang",
     "{DeMo}: Decoupled Momentum Optimization", 2024},
    {"2501.18512", "douillard2025streaming",
     R"(Douillard, Arthur and Donchev, Yanislav and Rush, Keith and Kale, Satyen and Charles, Zachary and Garrett, Zachary and Teston, Gabriel and Lacey, Dave and McIlroy, Ross and Shen, Jiajun and Ram{\'e}, Alexandre and Szlam, Arthur and Ranzato, Marc'Aurelio and Barham, Paul)",
     "Streaming {DiLoCo} with overlapping communication: Towards a Distributed Free Lunch", 2025},
    {"2505.23725", "therien2025muloco",
     R"(Th{\'e}rien, Benjamin and Huang, Xiaolong and Defazio, Aaron and Rish, Irina and Belilovsky, Eugene)",
     "{MuLoCo}: {Muon} is a practical inner optimizer for {DiLoCo}", 2025},
    {"2508.15706", "sarfi2025communication",
     R"(Sarfi, Amir and Th{\'e}rien, Benjamin and Lidin, Joel and Belilovsky, Eugene)",
     "Communication Efficient {LLM} Pre-training with {SparseLoCo}", 2025},
    {"2603.16353", "li2026biased", "Li, Chengxi and Xiao, Ming and Skoglund, Mikael",
     "Biased Compression in Gradient Coding for Distributed Learning", 2026},
};

/// Compressors and the numbers of their papers.
constexpr std::pair<std::string_view, std::string_view> kOfCompressors[] = {
    {"perm-k", "2110.03300"},  {"c-perm-k", "2110.03300"},
    {"natural", "1905.10988"}, {"natural-dithering", "1905.10988"},
    {"qsgd", "1610.02132"},    {"sign", "1802.04434"},
    {"one-bit", "2403.14716"}, {"low-rank", "1905.13727"},
    {"comp", "2205.04180"},    {"mix", "2205.04180"},
};

/// The surname in "Surname, Given names", without LaTeX accents.
std::string surname_of(std::string_view author) {
  const std::string_view surname = author.substr(0, author.find(','));
  std::string plain;
  for (std::size_t i = 0; i < surname.size(); ++i) {
    if (surname[i] == '\\') {
      ++i;  // the accent, as in \'a or \v{c}
    } else if (surname[i] != '{' && surname[i] != '}') {
      plain += surname[i];
    }
  }
  return plain;
}

/// Up to three surnames; of more authors the first, and "et al."
std::string surnames_of(std::string_view authors) {
  constexpr std::string_view kAnd = " and ";
  std::string names;
  std::size_t count = 0;
  for (std::size_t begin = 0; begin < authors.size(); ++count) {
    const std::size_t end = std::min(authors.find(kAnd, begin), authors.size());
    names += fmt::format("{}{}", count == 0 ? "" : ", ", surname_of(authors.substr(begin, end - begin)));
    begin = std::min(end + kAnd.size(), authors.size());
  }
  return count <= 3 ? names : names.substr(0, names.find(',')) + " et al.";
}

/// A title without the braces of BibTeX.
std::string plain(std::string_view title) {
  std::string text;
  std::copy_if(title.begin(), title.end(), std::back_inserter(text),
               [](char c) { return std::string_view("{}$\\").find(c) == std::string_view::npos; });
  return text;
}

}  // namespace

std::span<const Citation> citations() { return kCitations; }

const Citation* citation_in(std::string_view text) {
  const auto* found = std::find_if(std::begin(kCitations), std::end(kCitations), [&](const Citation& each) {
    return text.find(each.arxiv) != std::string_view::npos;
  });
  return found == std::end(kCitations) ? nullptr : found;
}

const Citation* citation_of_compressor(std::string_view name) {
  const auto* row = std::find_if(std::begin(kOfCompressors), std::end(kOfCompressors),
                                 [&](const auto& each) { return each.first == name; });
  return row == std::end(kOfCompressors) ? nullptr : citation_in(row->second);
}

std::string bibtex(const Citation& c) {
  const std::string_view venue = c.venue;
  const bool is_journal =
      venue.find("Journal") != std::string_view::npos || venue.find("Surveys") != std::string_view::npos;
  std::string text = fmt::format("@{}{{{},\n  author = {{{}}},\n  title = {{{}}},\n",
                                 venue.empty() ? "misc"
                                 : is_journal  ? "article"
                                               : "inproceedings",
                                 c.key, c.authors, c.title);
  if (!venue.empty()) text += fmt::format("  {} = {{{}}},\n", is_journal ? "journal" : "booktitle", venue);
  return text + fmt::format("  year = {{{}}},\n  eprint = {{{}}},\n  archivePrefix = {{arXiv}},\n}}\n",
                            c.year, c.arxiv);
}

std::string line_of(const Citation& c) {
  return fmt::format("{} {}: {}, arXiv {}", surnames_of(c.authors), c.year, plain(c.title), c.arxiv);
}

}  // namespace laconic
