// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/core/quantity.h"
#include "laconic/cost/link.h"
#include "laconic/experiment/braces.h"
#include "laconic/participation/attack.h"
#include "laconic/participation/stragglers.h"
#include "laconic/report/setting_json.h"
#include "laconic/served/faults.h"

namespace laconic {
namespace {

constexpr KeyRow kSweepKeys[] = {
    {"measure", "bits",
     "the score of a run, the smaller the better: the cost to reach the target (bits by default), or without "
     "a target a value at the end (grad-norm-sq by default)"},
    {"tune", "step",
     "axes of which only the best value counts, so that runs that cannot win any more end early; by default "
     "step; none: no axis"},
    {"map", "zeta,top-k",
     "the horizontal and the vertical axis of a heat map; by default the two axes that are not tuned"},
    {"expect", "ef21 / clag >= 1.1",
     "statements about the best scores, separated by ; (exit code 1 if one does not hold); a text and a "
     "colon in front say what a statement shows, as in CLAG saves bits: ef21 / clag >= 1.1"},
    {"figure", "uplink_bits,grad_norm_sq",
     "two quantities to draw, and the logarithmic axes after a further comma; the best settings are run once "
     "more, into curves/"},
    {"curves", "cells",
     "what figure= draws: the best setting of each method (best, the default), or of each cell (cells)"},
    {"grow", "yes",
     "widen tuned axes of numbers until the best setting of each method is not at their end; by default no"},
    {"impossible", "skip",
     "record settings that cannot run, such as a top-k above d, and go on; by default stop: they are an "
     "error"},
    {"title", "CLAG on ijcnn1", "the title of figures and reports"},
};

/// A whole number; also accepts notation such as 1e3.
std::uint64_t whole(const std::string& text, std::uint64_t least) {
  const char* const end = text.data() + text.size();
  std::uint64_t value = 0;
  auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc{} && parsed.ptr != end) {
    double real = 0;
    parsed = std::from_chars(text.data(), end, real);
    if (real == std::floor(real) && real >= 0 && real < 0x1p53) {
      value = static_cast<std::uint64_t>(real);
    } else {
      parsed.ec = std::errc::invalid_argument;
    }
  }
  if (parsed.ec != std::errc{} || parsed.ptr != end || value < least) {
    throw InputError(fmt::format("\"{}\"; need a whole number >= {}, below 2^64", text, least));
  }
  return value;
}

/// Nothing if the text is not a finite number.
std::optional<double> finite(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

double positive(const std::string& text) {
  const auto value = finite(text);
  if (!(value && *value > 0)) throw InputError(fmt::format("\"{}\"; need a finite number > 0", text));
  return *value;
}

double not_negative(const std::string& text) {
  const auto value = finite(text);
  if (!(value && *value >= 0)) throw InputError(fmt::format("\"{}\"; need a finite number >= 0", text));
  return *value;
}

double share(const std::string& text) {
  const auto value = finite(text);
  if (!(value && *value > 0 && *value <= 1))
    throw InputError(fmt::format("\"{}\"; need a number > 0 and <= 1", text));
  return *value;
}

double below_one(double value) {
  if (value == 1) throw InputError("\"1\"; need a number > 0 and < 1");
  return value;
}

std::string rest_of(const std::string& text) {
  if (text != "drop" && text != "spread") throw InputError(fmt::format("\"{}\"; need drop or spread", text));
  return text;
}

Wire wire_of(const std::string& text) {
  if (text == "f32") return Wire::f32;
  if (text == "f64") return Wire::f64;
  throw InputError(fmt::format("\"{}\"; need f32 or f64", text));
}

/// Reads "100" as rounds and "30s" as seconds.
void read_interval(SolveOptions& options, const std::string& text) {
  options.checkpoint_rounds.reset();
  options.checkpoint_seconds.reset();
  try {
    if (text.ends_with('s')) {
      options.checkpoint_seconds = positive(text.substr(0, text.size() - 1));
    } else {
      options.checkpoint_rounds = whole(text, 1);
    }
  } catch (const InputError&) {
    throw InputError(fmt::format("\"{}\"; need rounds as in 100, or seconds as in 30s", text));
  }
}

std::string print_interval(const SolveOptions& options) {
  if (options.checkpoint_rounds) return fmt::format("{}", *options.checkpoint_rounds);
  return options.checkpoint_seconds ? fmt::format("{}s", *options.checkpoint_seconds) : "";
}

const char* const kLink = "link";

/// The text between the brackets of a spec, which describes the links.
std::string in_brackets(const Spec& spec) {
  const std::string text = print(spec);
  return text.substr(spec.name.size() + 1, text.size() - spec.name.size() - 2);
}

/// Seconds, separated by commas.
std::vector<double> times_of(const std::string& text) {
  std::vector<double> times;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    begin = std::min(text.find_first_not_of(' ', begin), comma);
    const auto seconds = seconds_in(std::string_view(text).substr(begin, comma - begin));
    if (!seconds || *seconds == 0)
      throw InputError(fmt::format("\"{}\"; need seconds > 0, as in 1us or 1us,10us", text));
    times.push_back(*seconds);
    begin = comma + 1;
  }
  return times;
}

template <class Value>
std::string text_of(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : "";
}

/// A key: how its text is read into a config and printed from it. An empty printed text means: not set.
struct ConfigKey : KeyRow {
  void (*read)(Config&, const std::string&);
  std::string (*print)(const Config&);
};

using D = Config;
using S = const std::string&;

// In the order of the documentation.
const ConfigKey kKeys[] = {
    {{"problem", "logistic(a9a, lambda=0.1, reg=nonconvex)", "the problem to minimise (required)"},
     [](D& d, S s) { d.problem = parse(s); },
     [](const D& d) { return print(d.problem); }},
    {{"clients", "20", "the number of clients"},
     [](D& d, S s) { d.clients = whole(s, 1); },
     [](const D& d) { return fmt::format("{}", d.clients); }},
    {{"split", "contiguous", "the rule that deals the rows to the clients"},
     [](D& d, S s) { d.split = parse(s); },
     [](const D& d) { return print(d.split); }},
    {{"rest", "spread",
      "the rows that remain when the rows are divided: drop (the default), or spread: the first clients get "
      "one more each; the same as the argument rest of split"},
     [](D& d, S s) { d.rest = rest_of(s); },
     [](const D&) { return std::string(); }},  // a part of split
    {{"method", "marina(rand-k(10))", "the method (required)"},
     [](D& d, S s) { d.method = parse(s); },
     [](const D& d) { return print(d.method); }},
    {{"step", "theory",
      "the step size: a number, or that of the method's theorem: theory, a multiple as theory*16, theory-pl, "
      "or tight (ef21 and ef); of methods with local steps the local step"},
     [](D& d, S s) { d.step = parse_step(s); },
     [](const D& d) { return print(d.step); }},
    {{"outer-step", "1",
      "the server's step eta_s of methods with local steps; without it 1 (fedadam: 0.1; diloco, muloco and "
      "streaming-diloco: 0.7); other methods ignore it"},
     [](D& d, S s) { d.outer_step = not_negative(s); },
     [](const D& d) { return text_of(d.outer_step); }},
    {{"outer", "heavy-ball(0.9)",
      "the rule of the server's step, for methods with a server; without it step, or the method's own rule"},
     [](D& d, S s) { d.outer = parse(s); },
     [](const D& d) { return d.outer ? print(*d.outer) : ""; }},
    {{"downlink", "ef21-p(top-k(1%))",
      "what the server sends, for the same methods; without it direction: the d values of its step or point"},
     [](D& d, S s) { d.downlink = parse(s); },
     [](const D& d) { return d.downlink ? print(*d.downlink) : ""; }},
    {{"aggregator", "trimmed-mean(2)",
      "the rule by which the server makes one vector of those of the clients, for methods in which all "
      "clients answer in every round; without it mean"},
     [](D& d, S s) { d.aggregator = parse(s); },
     [](const D& d) { return d.aggregator ? print(*d.aggregator) : ""; }},
    {{"clip-norm", "10",
      "the most length of a client's vector, for the same methods: the server shortens longer ones before it "
      "takes their mean, or before the rule, which biases the result; without it none is shortened"},
     [](D& d, S s) { d.clip_norm = positive(s); },
     [](const D& d) { return text_of(d.clip_norm); }},
    {{"byzantine", "sign-flip(2)",
      "the attack of the last clients, for the same methods; f, gradient and constants are then those of the "
      "honest clients; without it all clients are honest"},
     [](D& d, S s) { d.byzantine = parse(s); },
     [](const D& d) { return d.byzantine ? print(*d.byzantine) : ""; }},
    {{"topology", "ring",
      "the graph of the nodes, for methods without a server (others ignore it); random graphs are drawn by "
      "split-seed"},
     [](D& d, S s) { d.topology = parse(s); },
     [](const D& d) { return d.topology ? print(*d.topology) : ""; }},
    {{"mixing", "metropolis",
      "the weights of neighbours; without it those of the topology's file, or metropolis"},
     [](D& d, S s) { d.mixing = parse(s); },
     [](const D& d) { return d.mixing ? print(*d.mixing) : ""; }},
    {{"stragglers", "bernoulli(0.2)",
      "the model of clients that answer too late in a round; without it none is late"},
     [](D& d, S s) { d.stragglers = parse(s); },
     [](const D& d) { return d.stragglers ? print(*d.stragglers) : ""; }},
    {{"allocation", "cyclic",
      "the shards that each client holds, for methods with redundancy; without it the method's own rule; "
      "random ones are drawn by split-seed"},
     [](D& d, S s) { d.allocation = parse(s); },
     [](const D& d) { return d.allocation ? print(*d.allocation) : ""; }},
    {{"rehearsal", "slow(3, 10s)",
      "injected faults, with a real clock: slow(CLIENT, 10s), slow(CLIENT, times=10), silent(CLIENT) or "
      "garbled(CLIENT), each also with from=ROUND; or several of them"},
     [](D& d, S s) { d.rehearsal = parse_arguments("rehearsal", s); },
     [](const D& d) { return d.rehearsal ? in_brackets(*d.rehearsal) : ""; }},
    {{"network", "100mbit,20ms",
      "the links of the modelled clock (network_seconds): lan, wan, or a bandwidth and a latency; clients "
      "take the links of a list in turn; without it messages take no time"},
     [](D& d, S s) {
       d.network = parse_arguments(kLink, with_joined_units(s));
       make_links(*d.network);  // throws if the links are invalid
     },
     [](const D& d) { return d.network ? in_brackets(*d.network) : ""; }},
    {{"compute", "1us",
      "the time of a single-sample gradient on the modelled clock; clients take the times of a list "
      "(1us,10us) in turn; without it 0; not with stragglers that have times of their own"},
     [](D& d, S s) { d.compute = times_of(s); },
     [](const D& d) { return fmt::format("{}", fmt::join(d.compute, ",")); }},
    {{"batch", "32", "the rows of a minibatch, drawn with replacement; without it gradients are full"},
     [](D& d, S s) { d.batch = whole(s, 1); },
     [](const D& d) { return text_of(d.batch); }},
    {{"seed", "1", "the seed of all random draws of the run"},
     [](D& d, S s) { d.seed = whole(s, 0); },
     [](const D& d) { return fmt::format("{}", d.seed); }},
    {{"split-seed", "1", "the seed of the random draws of splits, topologies and allocations"},
     [](D& d, S s) { d.split_seed = whole(s, 0); },
     [](const D& d) { return fmt::format("{}", d.split_seed); }},
    {{"rounds", "1000", "stop after so many rounds"},
     [](D& d, S s) { d.solve.rounds = whole(s, 0); },
     [](const D& d) { return fmt::format("{}", d.solve.rounds); }},
    {{"target", "1e-6", "stop when the squared norm of the true gradient is at most this"},
     [](D& d, S s) { d.solve.target = positive(s); },
     [](const D& d) { return text_of(d.solve.target); }},
    {{"target-gap", "1e-4",
      "stop when f(x) - f* is at most this share of f(x_0) - f*; f* of convex problems is computed "
      "beforehand, in up to 3000 passes over the data"},
     [](D& d, S s) { d.target_gap = below_one(share(s)); },
     [](const D& d) { return text_of(d.target_gap); }},
    {{"target-accuracy", "0.9", "stop when this share of the test set is classified correctly"},
     [](D& d, S s) { d.solve.target_accuracy = share(s); },
     [](const D& d) { return text_of(d.solve.target_accuracy); }},
    {{"target-consensus", "1e-8",
      "stop when the mean squared distance of the nodes from their mean (column consensus) is at most this, "
      "for methods without a server; with another target both must hold; without one it may hold after one "
      "round, because all nodes start at one point"},
     [](D& d, S s) { d.solve.target_consensus = positive(s); },
     [](const D& d) { return text_of(d.solve.target_consensus); }},
    {{"max-bits", "1e9", "stop when the clients have sent so many bits on average"},
     [](D& d, S s) { d.solve.max_bits = positive(s); },
     [](const D& d) { return text_of(d.solve.max_bits); }},
    {{"max-seconds", "60", "stop after so much time"},
     [](D& d, S s) { d.solve.max_seconds = positive(s); },
     [](const D& d) { return text_of(d.solve.max_seconds); }},
    {{"wire", "f32", "the width of values in messages: f32 or f64"},
     [](D& d, S s) { d.wire = wire_of(s); },
     [](const D& d) { return std::string(d.wire == Wire::f32 ? "f32" : "f64"); }},
    {{"threads", "2", "the threads that share the clients; without it those of the machine"},
     [](D& d, S s) { d.threads = whole(s, 1); },
     [](const D& d) { return d.threads == 0 ? "" : fmt::format("{}", d.threads); }},
    {{"eval-every", "1", "evaluate every so many rounds; 0: first and last only"},
     [](D& d, S s) { d.solve.eval_every = whole(s, 0); },
     [](const D& d) { return fmt::format("{}", d.solve.eval_every); }},
    {{"checkpoint-every", "30s",
      "save a checkpoint every so many rounds (100) or seconds (30s), for laconic resume"},
     [](D& d, S s) { read_interval(d.solve, s); },
     [](const D& d) { return print_interval(d.solve); }},
    {{"out", "runs/marina", "the folder for the results; without it no file is written"},
     [](D& d, S s) { d.out = s; },
     [](const D& d) { return d.out; }},
};

/// Whether `stragglers` names a model of this kind.
bool is_model(const std::optional<Spec>& stragglers, StragglersRow::Clock clock) {
  const auto models = straggler_models();
  return stragglers && std::any_of(models.begin(), models.end(), [&](const StragglersRow& row) {
           return row.clock == clock && row.name == stragglers->name;
         });
}

std::unique_ptr<Attack> attack_of(const Config& config) {
  return of_text("byzantine", [&] { return make_attack(*config.byzantine, config.clients); });
}

/// Makes the key `rest` an argument of the split.
void move_rest_into_split(Config& config) {
  if (!config.rest) return;
  const bool has_one = std::any_of(config.split.options.begin(), config.split.options.end(),
                                   [](const auto& option) { return option.first == "rest"; });
  if (has_one) throw InputError(fmt::format("rest: {} says it already; leave one out", print(config.split)));
  config.split.options.emplace_back("rest", Spec(*config.rest));
  config.rest.reset();
}

void require_clock_fits(const Config& d) {
  if (d.is_served() && d.network)
    throw InputError(
        fmt::format("network: a modelled link, and {} is a real clock; leave one out", d.stragglers->name));
  if (d.is_served() && !d.compute.empty())
    throw InputError(
        fmt::format("compute: modelled, and {} is a real clock; leave one out", d.stragglers->name));
  if (d.rehearsal && !d.is_served())
    throw InputError("rehearsal: is for a real clock, as in stragglers=deadline(500ms)");
  if (d.rehearsal) naming("rehearsal", [&] { return make_faults(*d.rehearsal, d.clients); });
  if (!d.compute.empty() && d.has_delays())
    throw InputError(
        fmt::format("compute: {} says how long clients compute; leave compute out", d.stragglers->name));
  if (d.compute.size() > d.clients)
    throw InputError(fmt::format("compute: {} times for {} clients", d.compute.size(), d.clients));
  const std::size_t links = d.network ? make_links(*d.network).size() : 0;
  if (links > d.clients) throw InputError(fmt::format("network: {} links for {} clients", links, d.clients));
}

void read(Config& config, const KeyValue& setting) {
  std::vector<std::string> names;
  for (const ConfigKey& key : kKeys) {
    names.emplace_back(key.name);
    if (setting.key != key.name) continue;
    naming(setting.key, [&] {
      if (setting.key != "out" && has_braces(setting.value))
        throw InputError(fmt::format("\"{}\": braces are an axis of laconic sweep", setting.value));
      key.read(config, setting.value);
    });
    return;
  }
  if (is_sweep_key(setting.key)) throw InputError(fmt::format("{}: is a key of laconic sweep", setting.key));
  fail_unknown_key(setting.key, names);
}

}  // namespace

bool Config::has_delays() const { return is_model(stragglers, StragglersRow::Clock::modelled); }

std::size_t Config::honest_clients() const {
  return byzantine ? clients - attack_of(*this)->liars() : clients;
}

bool Config::has_false_labels() const {
  return honest_clients() < clients && attack_of(*this)->flips_labels();
}

bool Config::is_served() const { return is_model(stragglers, StragglersRow::Clock::real); }

void fail_unknown_key(const std::string& key, const std::vector<std::string>& known) {
  throw InputError(
      fmt::format("unknown key \"{}\"{}; known: {}", key, did_you_mean(key, known), fmt::join(known, ", ")));
}

void require_known(const KeyValue& setting, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), setting.key) != known.end()) return;
  if (setting.place.empty()) fail_unknown_key(setting.key, known);
  naming(setting.place, [&] { fail_unknown_key(setting.key, known); });
}

void require_text(const KeyValue& setting) {
  if (!is_utf8(setting.value)) throw InputError(fmt::format("{}: not a text in UTF-8", setting.key));
  if (setting.value.find('\0') != std::string::npos)
    throw InputError(fmt::format("{}: need a text without NUL characters", setting.key));
}

void require_once(const std::vector<std::string>& words) {
  std::map<std::string_view, std::string_view> given;
  for (const std::string_view word : words) {
    const std::size_t equals = word.find('=');
    const std::string_view key = word.substr(0, equals);
    // A folder name may contain '=', a key never contains '/'.
    if (equals == std::string_view::npos || key.find('/') != std::string_view::npos) continue;
    const auto [first, is_new] = given.try_emplace(key, word);
    if (!is_new) {
      throw InputError(
          fmt::format("{} is given twice, in {} and {}; give it once, and quote braces, as in "
                      "'step=theory*{{1,2,4}}', of which the shell makes several words",
                      key, first->second, word));
    }
  }
}

std::vector<KeyValue> last_of_each(std::vector<KeyValue> settings) {
  std::map<std::string_view, std::size_t> last;
  for (std::size_t s = 0; s < settings.size(); ++s) last[settings[s].key] = s;
  std::vector<bool> stays(settings.size(), false);
  for (const auto& [key, s] : last) stays[s] = true;
  std::size_t kept = 0;
  for (std::size_t s = 0; s < settings.size(); ++s) {
    if (!stays[s]) continue;
    if (kept < s) settings[kept] = std::move(settings[s]);
    ++kept;
  }
  settings.resize(kept);
  return settings;
}

std::vector<KeyValue> settings_of(const std::vector<std::string>& words, bool quick) {
  std::vector<KeyValue> settings;
  std::vector<KeyValue> from_words;
  if (quick && std::all_of(words.begin(), words.end(),
                           [](const std::string& word) { return word.find('=') != std::string::npos; }))
    throw InputError("--quick: no TOML file is given whose table [quick] it would take");
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
      for (KeyValue& setting : read_toml(word, quick)) settings.push_back(std::move(setting));
    } else {
      from_words.push_back({word.substr(0, equals), word.substr(equals + 1), ""});
    }
  }
  settings.insert(settings.end(), from_words.begin(), from_words.end());
  return last_of_each(std::move(settings));
}

void apply(Config& config, const KeyValue& setting) {
  const auto take = [&] {
    require_text(setting);
    read(config, setting);
  };
  if (setting.place.empty()) {
    take();
  } else {
    naming(setting.place, take);
  }
}

Config describe(const std::vector<std::string>& words) { return describe(settings_of(words)); }

Config describe(const std::vector<KeyValue>& settings) {
  Config config;
  std::set<std::string> given;
  for (const KeyValue& setting : settings) {
    apply(config, setting);
    given.insert(setting.key);
  }
  for (const char* required : {"problem", "method"}) {
    if (!given.contains(required)) {
      const char* example =
          required[0] == 'p' ? "problem=logistic(a9a, lambda=0.1)" : "method=marina(rand-k(10))";
      throw InputError(fmt::format("no {} is given, as in \"{}\"", required, example));
    }
  }
  move_rest_into_split(config);
  require_clock_fits(config);
  return config;
}

std::vector<std::pair<std::string, std::string>> resolved(const Config& config) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const ConfigKey& key : kKeys) {
    if (std::string text = key.print(config); !text.empty()) result.emplace_back(key.name, std::move(text));
  }
  return result;
}

std::string toml_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string text = fmt::format("# laconic {}\n", LACONIC_VERSION);
  for (const auto& [key, value] : pairs) {
    if (key == "out") continue;
    auto json = json_of_setting(key, value);
    if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
      json = value;
    // JSON is also TOML, except for whole numbers above 2^63 - 1, and one control character in strings.
    for (const char c : fmt::format("{} = {}\n", key, json.dump())) {
      if (c == '\x7f') {
        text += "\\u007F";
      } else {
        text += c;
      }
    }
  }
  return text;
}

std::vector<KeyRow> config_keys() { return {std::begin(kKeys), std::end(kKeys)}; }

std::span<const KeyRow> sweep_keys() { return kSweepKeys; }

bool is_sweep_key(const std::string& key) {
  return std::any_of(std::begin(kSweepKeys), std::end(kSweepKeys),
                     [&](const KeyRow& row) { return key == row.name; });
}

}  // namespace laconic
