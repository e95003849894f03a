// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/join.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "laconic/data/lookup.h"
#include "laconic/experiment/run_served.h"
#include "laconic/problem/across_sites.h"
#include "laconic/problem/make.h"
#include "laconic/served/faults.h"
#include "laconic/served/letters.h"
#include "laconic/served/served.h"
#include "laconic/sites/site.h"
#include "laconic/sites/terms.h"

namespace laconic {
namespace {

/// A site with its data, for one connection.
class Site {
 public:
  Site(const JoinOptions& options, std::shared_ptr<const Dataset> data, Mailbox& mailbox, Observer& observer)
      : options_(options), data_(std::move(data)), mailbox_(mailbox), observer_(observer) {}

  int compute() {
    mailbox_.post(0, Hello{.text = Offer::of(*data_).text()}.letter());
    const auto assigned = await_assignment();
    if (!assigned) return 0;  // the run has ended
    try {
      accept(*assigned);
      serve_clients_();
    } catch (const Interrupted&) {
      throw;
    } catch (...) {
      const std::string reason = failure_in_flight().message;
      mailbox_.post(0, AnswerHead{.kind = Answer::Kind::failure}.letter(
                           {reinterpret_cast<const std::uint8_t*>(reason.data()), reason.size()}));
      throw;
    }
    return 0;
  }

 private:
  std::optional<Assignment> await_assignment() {
    while (!mailbox_.closed()) {
      if (const auto first = mailbox_.take(kBetweenRequests)) return Assignment::of(first->letter);
      look_for_requests();
      if (mailbox_.is_lost(0)) throw RunError("nothing was received from the server");
    }
    return {};
  }

  void accept(const Assignment& assignment) {
    config_ = describe(assignment.settings);
    try {
      require_across_sites(config_);
    } catch (const InputError& error) {
      throw RunError(fmt::format("the server asks for what a site does not do: {}", error.what()));
    }
    const std::string& method = config_.method.name;
    const std::vector<std::string>& allowed = options_.allow;
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), method) == allowed.end())
      throw InputError(
          fmt::format("the server asks for {}; allow={} does not have it", method, fmt::join(allowed, ",")));
    client_ = mailbox_.rank() - 1;
    problem_ =
        make_problem(config_.problem, {.site = SiteData{assignment.columns, assignment.labels, data_}});
    if (config_.rehearsal) faults_ = make_faults(*config_.rehearsal, config_.clients);
    const std::size_t threads = std::size_t{1};
    observer_.begin();
    serve_clients_ = start_clients(make_epoch_method_, config_.seed, mailbox_, threads, faults_, [&] {
      look_for_requests();
      return Request::none;
    });
    observer_.remark(fmt::format(
        "client {} of {}: computes gradients of {} over its {} rows, {} numbers each, for {} of at most {} "
        "rounds, and sends them to {} as the method compresses them; where f is evaluated, uncompressed",
        client_, config_.clients, print(config_.problem), data_->rows, problem_->dim(), print(config_.method),
        config_.solve.rounds, options_.server));
  }

  /// The method for the clients of an epoch, in which this site has the rows of one.
  EpochMethod method_of(const Members& members) const {
    std::vector<std::uint32_t> rows;
    for (const std::uint32_t i : members.by_number()) rows.push_back(members.rows[i]);
    if (rows.empty() || members.rows.size() != config_.clients)
      throw RunError("an order does not say which sites take part");
    const auto clock = real_clock_of(config_)->with(rows.size());
    const std::shared_ptr<const Problem> problem =
        at_site(problem_, std::move(rows), members.number_of(static_cast<std::uint32_t>(client_)));
    return {problem, served_parts_of(config_, problem, clock)};
  }

  /// A site that is asked to end leaves; the run goes on.
  void look_for_requests() {
    if (const Request asked = observer_.asked_to_end(); asked != Request::none)
      throw Interrupted(asked, "this site has left the run");
  }

  static constexpr double kBetweenRequests = 0.25;  // seconds

  const JoinOptions& options_;
  std::shared_ptr<const Dataset> data_;
  Mailbox& mailbox_;
  Observer& observer_;
  Config config_;
  std::size_t client_ = 0;
  std::shared_ptr<const Problem> problem_;  // over the rows of this site
  std::vector<Fault> faults_;
  MakeEpochMethod make_epoch_method_ = [this](const Members& members) { return method_of(members); };
  std::function<void()> serve_clients_;
};

}  // namespace

RunResult join(const JoinOptions& options, Observer& observer) {
  observer.stage("reading " + options.data);
  const auto data = std::make_shared<const Dataset>(
      load_dataset(options.data, {.folders = options.folders, .working = [&] { observer.working(); }}));
  for (;;) {
    SiteConnection connection(
        {.server = options.server,
         .tls = options.tls,
         .server_patience = options.server_patience,
         .events = {.lost =
                        [&](const std::string& reason) {
                          observer.remark(fmt::format("no connection to {}: {}; it is tried again",
                                                      options.server, reason));
                        },
                    .found = [&] { observer.remark("connected again"); },
                    .waits =
                        [&] {
                          if (const Request asked = observer.asked_to_end(); asked != Request::none)
                            throw Interrupted(asked, "interrupted while it waited for the server");
                        }}});
    std::exception_ptr own;  // why this site has ended, which the server may tell it too
    try {
      const int code = connection.correspond(options.server_patience, [&](Mailbox& mailbox) {
        try {
          return Site(options, data, mailbox, observer).compute();
        } catch (const InputError&) {
          own = std::current_exception();
          throw;
        }
      });
      return result_of_code(code);
    } catch (const RunError&) {
      if (own) std::rethrow_exception(own);
      if (!connection.is_forgotten()) throw;
      observer.remark("the server does not know this session any more; the site joins anew");
    }
  }
}

}  // namespace laconic
