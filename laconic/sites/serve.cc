// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/serve.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>

#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "laconic/core/read_whole.h"
#include "laconic/core/spec.h"
#include "laconic/data/lookup.h"
#include "laconic/experiment/run_served.h"
#include "laconic/problem/across_sites.h"
#include "laconic/problem/make.h"
#include "laconic/report/attendance.h"
#include "laconic/served/judge.h"
#include "laconic/served/letters.h"
#include "laconic/served/served.h"
#include "laconic/sites/members.h"
#include "laconic/sites/server.h"
#include "laconic/sites/terms.h"

namespace laconic {
namespace {

/// Where the description does not say how many columns there are.
constexpr std::size_t kMostColumns = std::size_t{1} << 24;

/// members.csv, once it is open. Thread-safe.
class MembersLog {
 public:
  explicit MembersLog(const Roster& roster) : roster_(roster) {}
  ~MembersLog() {
    file_.reset();
    if (!earlier_.empty()) std::filesystem::rename(earlier_, path_, ignored_);
  }
  MembersLog(const MembersLog&) = delete;
  MembersLog& operator=(const MembersLog&) = delete;

  /// Makes or continues the file in the folder. That of a run which this one replaces stands aside until
  /// begin(), and comes back if that is never called.
  void open(const RunFolder& out) {
    path_ = out.file(MembersFile::kName);
    if (out.has(MembersFile::kName) && !out.holds(MembersFile::kName)) {
      earlier_ = path_ + ".before";
      std::filesystem::rename(path_, earlier_, ignored_);
    }
    file_.emplace(out.path());
  }
  /// The run has begun.
  void begin() {
    if (!earlier_.empty()) std::filesystem::remove(earlier_, ignored_);
    earlier_.clear();
  }

  /// Returns false, and records nothing, if there were kMost rows about this site within a second, or about
  /// all strangers. So the file does not fill the disk.
  bool record(const std::string& name, MemberEvent event, const std::string& reason = "") {
    const std::lock_guard lock(mutex_);
    Recorded& recorded = recorded_[roster_.find(name) ? name : ""];
    const auto now = std::chrono::steady_clock::now();
    if (now - recorded.since > std::chrono::seconds(1)) recorded = {0, now};
    if (++recorded.rows > kMost) return false;
    if (file_) file_->record(name, event, reason);
    return true;
  }
  bool record(std::size_t rank, MemberEvent event, const std::string& reason = "") {
    return record(roster_.name(rank - 1), event, reason);
  }

 private:
  static constexpr std::size_t kMost = 20;
  struct Recorded {
    std::size_t rows = 0;
    std::chrono::steady_clock::time_point since;
  };

  const Roster& roster_;
  std::mutex mutex_;
  std::optional<MembersFile> file_;
  std::string path_;
  std::string earlier_;  // the file of the run that is replaced; empty if there is none
  std::error_code ignored_;
  std::map<std::string, Recorded> recorded_;  // by the names of the roster; of strangers by ""
};

/// Receives sites: knows what each has offered, agrees on terms, and tells the sites what to compute.
class Reception {
 public:
  /// What it tells, of a site by its rank, while it gathers the first sites.
  struct Events {
    std::function<void(std::size_t rank, const std::string& reason)> refused;
    std::function<void(std::size_t rank, const std::string& reason)> failed;
    std::function<void(const std::string& sentence)> remark;
    std::function<void(std::size_t there)> waiting;  // at each look, and may throw
  };
  Reception(const Config& config, const ServeOptions& options, std::optional<Terms> terms, Mailbox& mailbox,
            Events events)
      : config_(config),
        options_(options),
        mailbox_(mailbox),
        events_(std::move(events)),
        offers_(options.roster.size()),
        terms_(std::move(terms)) {
    if (!terms_ && options.columns && options.labels) agree_on({*options.columns, *options.labels});
  }

  /// The first letter of a site. Throws InputError to refuse it.
  void admit(std::size_t rank, const Letter& first) {
    const Hello hello = Hello::of(first);
    if (hello.kind != Failure::Kind::none) throw InputError("its first letter is a failure");
    Offer offer = Offer::read(hello.text);
    const Terms limits = {options_.columns.value_or(kMostColumns),
                          options_.labels.value_or(std::vector<double>{})};
    (terms_ ? *terms_ : limits).require_fits(offer);
    offers_[rank - 1] = std::move(offer);
    if (terms_) assign(rank);
  }

  /// Waits for the first sites, at least so many, and agrees with them on the terms. Returns their ranks.
  std::vector<std::size_t> gather(std::size_t start_with) {
    while (!can_begin(start_with)) {
      events_.waiting(there_.size());
      for (auto next = mailbox_.take(mailbox_.between_looks()); next; next = mailbox_.take(0)) hear(*next);
      if (mailbox_.closed()) throw RunError("letters are not carried any more");
      for (std::size_t rank = 1; rank < mailbox_.size(); ++rank) {
        const bool is_refused = !mailbox_.refusal(rank).empty() && told_.count(rank) == 0;
        if (mailbox_.is_lost(rank) && (there_.count(rank) > 0 || is_refused)) give_up(rank);
      }
    }
    return {there_.begin(), there_.end()};
  }

  [[nodiscard]] const Terms& terms() const { return *terms_; }
  /// Of the problem at the server, which has no rows.
  [[nodiscard]] ProblemSetting setting() const { return setting(*terms_); }
  /// The rows of a client, or 0 if it has never said.
  [[nodiscard]] std::uint32_t rows(std::size_t client) const {
    return offers_[client] ? static_cast<std::uint32_t>(offers_[client]->rows) : 0;
  }
  /// clients.csv (experiment/clients_table.h) of the sites that have said what they have.
  [[nodiscard]] std::string clients_csv() const {
    std::string text = "client,rows";
    const auto out = std::back_inserter(text);
    for (const double label : terms_->labels) fmt::format_to(out, ",class_{}", label);
    text += "\n";
    for (std::size_t i = 0; i < offers_.size(); ++i) {
      if (!offers_[i]) continue;
      fmt::format_to(out, "{},{}", i, offers_[i]->rows);
      for (const double label : terms_->labels) {
        const auto count = offers_[i]->classes->find(label);
        fmt::format_to(out, ",{}", count == offers_[i]->classes->end() ? 0 : count->second);
      }
      text += "\n";
    }
    return text;
  }

 private:
  [[nodiscard]] ProblemSetting setting(const Terms& terms) const {
    return {.folders = config_.resources.folders, .site = SiteData{terms.columns, terms.labels}};
  }

  bool can_begin(std::size_t start_with) {
    if (there_.size() >= start_with && !terms_ && !has_tried_to_settle_) settle(start_with);
    return there_.size() >= start_with && terms_;
  }

  void hear(const Mailbox::Received& received) {
    const std::size_t rank = received.from;
    told_.erase(rank);
    try {
      if (there_.count(rank) > 0) {
        hear_again(received);
      } else {
        admit(rank, received.letter);
        there_.insert(rank);
        has_tried_to_settle_ = false;
      }
    } catch (const std::runtime_error& error) {  // InputError or RunError
      refuse(rank, error.what());
    }
  }

  /// A second letter of a site, before the first order.
  void hear_again(const Mailbox::Received& received) {
    Judge judge(0, 0, std::vector<Range>(mailbox_.size()));
    const Judge::Verdict verdict = judge.judge(received.from, received.letter);
    if (verdict.kind != Judge::Verdict::Kind::failure)
      throw InputError("it sends a second letter before it has an order");
    has_failed_.insert(received.from);
    refuse(received.from, verdict.reason);
  }

  void refuse(std::size_t rank, const std::string& reason) {
    mailbox_.refuse(rank, reason);
    give_up(rank);
  }

  void give_up(std::size_t rank) {
    const std::string reason = mailbox_.refusal(rank);
    mailbox_.give_up(rank);
    if (there_.erase(rank) > 0) has_tried_to_settle_ = false;
    if (mailbox_.is_lost(rank)) told_.insert(rank);  // and no new process has come
    offers_[rank - 1].reset();
    const bool has_failed = has_failed_.erase(rank) > 0;
    if (!reason.empty()) (has_failed ? events_.failed : events_.refused)(rank, reason);
  }

  /// Agrees on terms with those that are there. If the problem cannot have the labels of all, the sites with
  /// the oddest labels do not fit, and are refused. If fewer than `start_with` fit, others are waited for, as
  /// long as there are others.
  void settle(std::size_t start_with) {
    has_tried_to_settle_ = true;
    std::vector<Offer> offers = offers_there();
    std::string why_not_all;
    while (!offers.empty() && !has_agreed_on(terms_for(offers), why_not_all)) leave_out_oddest(offers);
    const bool are_all_there = there_.size() == offers_.size();
    if (offers.empty() && (are_all_there || !can_have_two_labels())) throw InputError(why_not_all);
    if (offers.size() < start_with && !are_all_there) {
      terms_.reset();
      events_.remark(fmt::format(
          "the sites that are there do not go together; the server waits for others: {}", why_not_all));
      return;
    }
    for (const std::size_t rank : std::set<std::size_t>(there_)) {
      try {
        terms_->require_fits(*offers_[rank - 1]);
        assign(rank);
      } catch (const InputError& error) {
        refuse(rank, error.what());
      }
    }
  }

  /// Returns false, and says why if nothing is said yet, if the problem cannot have these terms.
  bool has_agreed_on(Terms terms, std::string& why_not) {
    try {
      agree_on(std::move(terms));
      return true;
    } catch (const InputError& error) {
      if (why_not.empty()) why_not = error.what();
      return false;
    }
  }

  /// Whether the labels of sites can be at fault, and not the description.
  [[nodiscard]] bool can_have_two_labels() const {
    if (options_.labels) return false;
    try {
      make_problem(config_.problem, setting({terms_for(offers_there()).columns, {-1, 1}}));
      return true;
    } catch (const InputError&) {
      return false;
    }
  }

  [[nodiscard]] std::vector<Offer> offers_there() const {
    std::vector<Offer> offers;
    for (const std::size_t rank : there_) offers.push_back(*offers_[rank - 1]);
    return offers;
  }

  [[nodiscard]] Terms terms_for(const std::vector<Offer>& offers) const {
    Terms terms = common_terms(offers);
    if (const auto data = data_named(config_.problem))
      terms.columns = std::max(terms.columns, known_columns(*data));
    if (options_.columns) terms.columns = *options_.columns;
    if (options_.labels) terms.labels = *options_.labels;
    return terms;
  }

  /// Labels count only in problems that classify: those of others are any numbers.
  void agree_on(Terms terms) {
    if (!make_problem(config_.problem, setting(terms))->classifies()) terms.labels.clear();
    terms.roster = options_.roster.names();
    terms_ = std::move(terms);
  }

  void assign(std::size_t rank) const {
    Assignment assignment = {.columns = terms_->columns, .labels = terms_->labels};
    for (const auto& [key, value] : resolved(config_)) {
      if (key != "out" && key != "threads" && key != "checkpoint-every")
        assignment.settings.push_back({key, value, ""});
    }
    mailbox_.post(rank, assignment.letter());
  }

  const Config& config_;
  const ServeOptions& options_;
  Mailbox& mailbox_;
  Events events_;
  std::vector<std::optional<Offer>> offers_;  // by client
  std::optional<Terms> terms_;
  // While the run has not begun; ranks:
  std::set<std::size_t> there_;
  std::set<std::size_t> told_;        // that were given up, and have sent nothing since
  std::set<std::size_t> has_failed_;  // that said so
  bool has_tried_to_settle_ = false;  // since a site arrived
};

/// The terms of the run in the folder, if it goes on. Throws InputError if the options ask for others.
std::optional<Terms> terms_of_folder(const ServeOptions& options, const RunFiles& files) {
  if (!files.goes_on || !files.out->has(RunFolder::kTerms)) return {};
  const std::string path = files.out->file(RunFolder::kTerms);
  const Terms terms = [&] {
    try {
      return Terms::read(read_whole(path));
    } catch (const RunError& error) {
      throw RunError(fmt::format("{}: {}", path, error.what()));
    }
  }();
  const auto require_same = [&](bool is_same, const char* key) {
    if (is_same) return;
    throw InputError(fmt::format("{}: not as in {}; the run there goes on, --force begins anew", key, path));
  };
  require_same(!options.columns || *options.columns == terms.columns, "columns");
  require_same(!options.labels || terms.labels.empty() || *options.labels == terms.labels, "labels");
  require_same(options.roster.names() == terms.roster, "roster");
  return terms;
}

/// Throws InputError if the method cannot run with so many sites, as when a rule of aggregation needs more.
void require_assembles(const std::shared_ptr<const Problem>& problem, const Config& config,
                       std::size_t sites) {
  served_parts_of(config, at_server(problem, std::vector<std::uint32_t>(sites, 1)),
                  real_clock_of(config)->with(sites));
}

/// The part of the server once it has a mailbox.
class Serving {
 public:
  Serving(const Config& config, const ServeOptions& options, Observer& observer, const RunFiles& files,
          std::optional<Terms> terms, MembersLog& members, Mailbox& mailbox)
      : config_(config),
        options_(options),
        observer_(observer),
        files_(files),
        members_(members),
        mailbox_(mailbox),
        clock_(real_clock_of(config)),
        start_with_(options.start_with == 0 ? config.clients : options.start_with),
        reception_(config, options, std::move(terms), mailbox,
                   {.refused = [&](std::size_t rank, const std::string& reason) { refuse(rank, reason); },
                    .failed = [&](std::size_t rank, const std::string& reason) { fail(rank, reason); },
                    .remark = [&](const std::string& sentence) { observer.remark(sentence); },
                    .waiting = [&](std::size_t there) { wait(there, false); }}) {}

  RunResult run() {
    const std::vector<std::size_t> arrived = reception_.gather(start_with_);
    const auto opened = std::make_shared<OpenedProblem>();
    base_ = make_problem(config_.problem, reception_.setting());
    opened->problem = at_server(base_, rows_of_all());
    require_assembles(base_, config_, start_with_);
    if (files_.out != nullptr && base_->classifies()) opened->clients_csv = reception_.clients_csv();
    ThreadPool pool(threads_of(config_));
    const auto transport = alone(&mailbox_);
    Fleet fleet(pool, *transport);
    if (config_.solve.target_accuracy) require_test_set("target-accuracy:", *opened->problem, pool);
    const Experiment experiment(config_, opened, clock_, {});
    const double step = experiment.step();
    std::shared_ptr<const Problem> first = opened->problem;
    const MakeEpochMethod make_epoch_method = [&](const Members& members) {
      return method_of(members, std::exchange(first, nullptr));
    };
    std::optional<AttendanceFile> attendance;
    const auto method = make_served_star(
        make_epoch_method, {.step = step, .seed = config_.seed, .wire = config_.wire}, mailbox_, *clock_,
        {.attended =
             [&](const Attendance& told) {
               if (attendance) attendance->record(told);
             },
         .refused = [&](std::size_t rank, std::size_t /*round*/,
                        const std::string& reason) { refuse(rank, reason); },
         .failed = [&](std::size_t rank, std::size_t /*round*/,
                       const std::string& reason) { fail(rank, reason); },
         .lost =
             [&](std::size_t rank, std::size_t round, bool has_left) {
               if (!part_with(rank, has_left ? MemberEvent::left : MemberEvent::lost,
                              fmt::format("in round {}", round)))
                 return;
               observer_.remark(fmt::format("{} {} in round {}", options_.roster.name(rank - 1),
                                            has_left ? "has left" : "is lost", round));
             },
         .admit = [&](std::size_t rank, const Letter& letter) { reception_.admit(rank, letter); },
         .began = [&](std::size_t round, std::size_t /*epoch*/,
                      const std::vector<std::uint32_t>& clients) { join(round, clients); },
         .waiting = [&](std::size_t /*round*/, std::size_t there) { wait(there, there >= start_with_); },
         .start_with = start_with_,
         .arrived = arrived});
    const auto open_files = [&](const Progress* from) {
      if (files_.out == nullptr) return;
      members_.begin();
      write_whole(files_.out->file(RunFolder::kTerms), reception_.terms().text());
      if (from != nullptr) {
        attendance.emplace(files_.out->path(), from->round);
      } else {
        attendance.emplace(files_.out->path());
      }
    };
    return run_method(experiment, *method, fleet, observer_, files_,
                      {.on_files = open_files, .ranks = mailbox_.size()});
  }

 private:
  /// The rows of each client; of those that are not there yet the mean of the others.
  [[nodiscard]] std::vector<std::uint32_t> rows_of_all() const {
    std::uint64_t sum = 0;
    std::uint32_t there = 0;
    for (std::size_t i = 0; i < config_.clients; ++i) {
      sum += reception_.rows(i);
      there += reception_.rows(i) > 0 ? 1 : 0;
    }
    std::vector<std::uint32_t> rows(config_.clients, static_cast<std::uint32_t>(sum / std::max(1U, there)));
    for (std::size_t i = 0; i < config_.clients; ++i) {
      if (reception_.rows(i) > 0) rows[i] = reception_.rows(i);
    }
    return rows;
  }

  /// The method for the clients that are there. `first`: the problem of all, in the first call.
  EpochMethod method_of(const Members& members, std::shared_ptr<const Problem> first) {
    std::vector<std::uint32_t> there;
    std::vector<std::uint32_t> rows;
    for (std::uint32_t i = 0; i < config_.clients; ++i) {
      if (std::binary_search(members.gone.begin(), members.gone.end(), i)) continue;
      there.push_back(i);
      rows.push_back(std::max(1U, reception_.rows(i)));
    }
    clock_->number(there);
    const std::shared_ptr<const Problem> problem = first ? std::move(first) : at_server(base_, rows);
    return {problem, served_parts_of(config_, problem, clock_), true};
  }

  /// The site takes part no more. Returns whether that is on record.
  bool part_with(std::size_t rank, MemberEvent event, const std::string& reason) {
    const auto client = static_cast<std::uint32_t>(rank - 1);
    there_.erase(std::remove(there_.begin(), there_.end(), client), there_.end());
    return members_.record(rank, event, reason);
  }

  void refuse(std::size_t rank, const std::string& reason) {
    if (!part_with(rank, MemberEvent::refused, reason)) return;
    observer_.remark(fmt::format("{} is refused: {}", options_.roster.name(rank - 1), reason));
  }

  void fail(std::size_t rank, const std::string& reason) {
    if (!part_with(rank, MemberEvent::failed, reason)) return;
    observer_.remark(fmt::format("{} has failed: {}", options_.roster.name(rank - 1), reason));
  }

  /// An epoch began with these clients.
  void join(std::size_t round, const std::vector<std::uint32_t>& clients) {
    for (const std::uint32_t i : clients) {
      if (std::binary_search(there_.begin(), there_.end(), i)) continue;
      members_.record(1 + i, MemberEvent::joined, fmt::format("from round {} on", round));
    }
    there_ = clients;
    waits_with_.reset();
    if (files_.out != nullptr && files_.out->has("clients.csv"))
      write_whole(files_.out->file("clients.csv"), reception_.clients_csv());
  }

  /// The server waits for letters. Says so if too few sites are there, once for each number of them. If it is
  /// asked to end, it waits no longer for sites; a round has the patience to end by itself, so that its
  /// checkpoint is saved.
  void wait(std::size_t there, bool is_in_a_round) {
    if (there < start_with_ && waits_with_ != there) {
      observer_.remark(fmt::format("waiting: {} of {} sites are there; the run needs {}", there,
                                   config_.clients, start_with_));
      waits_with_ = there;
    }
    const Request asked = observer_.asked_to_end();
    if (asked == Request::none) return;
    if (!is_in_a_round) throw Interrupted(asked, "interrupted while it waited for sites");
    const auto now = std::chrono::steady_clock::now();
    if (!asked_since_) asked_since_ = now;
    if (now - *asked_since_ > std::chrono::duration<double>(mailbox_.patience()))
      throw Interrupted(asked, "interrupted while it waited for the answers of sites");
  }

  const Config& config_;
  const ServeOptions& options_;
  Observer& observer_;
  const RunFiles& files_;
  MembersLog& members_;
  Mailbox& mailbox_;
  std::shared_ptr<RealClock> clock_;
  const std::size_t start_with_;
  Reception reception_;
  std::shared_ptr<const Problem> base_;
  std::vector<std::uint32_t> there_;  // in the epoch
  std::optional<std::size_t> waits_with_;
  std::optional<std::chrono::steady_clock::time_point> asked_since_;  // when it first saw a request to end
};

/// The argument `columns` of the problem, if it has one.
std::optional<std::size_t> columns_in(const Spec& problem) {
  Arguments arguments(problem);
  const std::size_t columns = of_text("problem", [&] { return arguments.whole("columns", 0); });
  return columns > 0 ? std::optional(columns) : std::nullopt;
}

/// Finds errors of the description before the server listens. The dimension is known then only if the
/// description says what it depends on; else the method is assembled when the first sites are there.
void require_assembles(const Config& config, const ServeOptions& options) {
  real_clock_of(config);
  if (config.step.kind != StepRule::Kind::number)
    throw InputError(fmt::format(
        "step: {}; the sites have the data, so no constants are known: give a number", print(config.step)));
  if (!of_text("problem", [&] { return row_named(config.problem, "problem", problems()).data; }))
    throw InputError(fmt::format("problem: {}; has no rows that sites could have", print(config.problem)));
  const auto columns = options.columns ? options.columns : columns_in(config.problem);
  if (!columns) return;
  const bool has_test_set = Arguments(config.problem).find("test") != nullptr;
  if (!options.labels && has_test_set) return;
  // Two labels stand for those of the sites.
  const std::vector<double> labels = options.labels.value_or(std::vector<double>{-1, 1});
  const std::shared_ptr<const Problem> problem =
      make_problem(config.problem, {.folders = config.resources.folders, .site = SiteData{*columns, labels}});
  if (!options.labels) return;  // the dimension may depend on their number
  require_assembles(problem, config, config.clients);
  if (options.start_with > 0) require_assembles(problem, config, options.start_with);
}

/// Each connection takes a file descriptor, also one of a peer without a certificate.
void allow_all_descriptors() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // may fail: then the limit stays
}

}  // namespace

Config config_across_sites(Config config, const ServeOptions& options) {
  const std::size_t n = options.roster.size();
  if (options.start_with > n)
    throw InputError(fmt::format("start-with = {}; the roster has {} sites", options.start_with, n));
  if (const auto columns = columns_in(config.problem);
      columns && options.columns && columns != options.columns)
    throw InputError(fmt::format("columns: {}; problem: {} has {}: leave one of them out", *options.columns,
                                 print(config.problem), *columns));
  config.clients = n;
  if (!config.stragglers) config.stragglers = parse(fmt::format("first-r({})", n));
  require_across_sites(config);
  if (!config.out.empty() && !saves_checkpoints(config.solve)) config.solve.checkpoint_seconds = 10;
  require_assembles(config, options);
  return config;
}

RunResult serve(const Config& config, const ServeOptions& given, Observer& observer, const RunFiles& files) {
  ServeOptions options = given;
  if (!options.columns) options.columns = columns_in(config.problem);
  const std::optional<Terms> terms = terms_of_folder(options, files);
  MembersLog members(options.roster);
  allow_all_descriptors();
  SitesServer server(
      {.listen = options.listen,
       .tls = options.tls,
       .roster = options.roster.names(),
       .events = {.connected =
                      [&](std::size_t rank, const std::string& address) {
                        members.record(rank, MemberEvent::connected, address);
                      },
                  .disconnected =
                      [&](std::size_t rank, const std::string& reason) {
                        members.record(rank, MemberEvent::disconnected, reason);
                      },
                  .reconnected = [&](std::size_t rank) { members.record(rank, MemberEvent::reconnected); },
                  .refused =
                      [&](const std::string& from, const std::string& reason) {
                        members.record(from, MemberEvent::refused, reason);
                      }}});
  if (files.out != nullptr) members.open(*files.out);
  observer.begin();  // from here on sites wait for this server, and are told when it is asked to end
  if (options.on_listening) options.on_listening(server.port());
  RunResult result;
  server.correspond(real_clock_of(config)->patience(), [&](Mailbox& mailbox) {
    return serve_to_the_end(mailbox, result, [&] {
      try {
        return Serving(config, options, observer, files, terms, members, mailbox).run();
      } catch (const Interrupted& interrupted) {  // in a wait: the sites learn how the run ended
        RunResult ended;
        ended.summary.why = Summary::Why::interrupted;
        ended.summary.request = interrupted.request();
        ended.summary.reason = interrupted.what();
        ended.saved = files.out != nullptr && files.out->has_checkpoint();
        return ended;
      }
    });
  });
  return result;
}

}  // namespace laconic
