// SPDX-License-Identifier: Apache-2.0
// What a service (a run, a sweep, advice) reports to its caller while it works, and what it asks the caller.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "laconic/core/parallel.h"
#include "laconic/core/request.h"

namespace laconic {

/// The services print nothing; all their reports come through this class. Every call may throw. The service
/// then ends, its written output stays readable, and its caller receives the exception. Calls come from the
/// thread that called the service. Only asked_to_end(), and in a served run asked() and remark(), may come
/// from other threads, at any time.
class Observer {
 public:
  virtual ~Observer() = default;

  /// A part of the set-up begins that may take long, such as "constants" or "reading a9a".
  virtual void stage(const std::string& /*name*/) {}
  /// Called several times a second while data is read, constants are computed and rounds run, unless a part
  /// of the work that is not divided takes longer, such as the gradient of one client: a place to throw. A
  /// run that ends so, and not by asked(), saves no checkpoint.
  virtual void working() {}
  /// Set-up is over and rounds begin. From now on the service calls asked() and acts on the answer.
  virtual void begin() {}
  /// `done` of `all` units of work are complete. Call `text` only to display it. Called often.
  virtual void progress(std::size_t /*done*/, std::size_t /*all*/,
                        const std::function<std::string()>& /*text*/) {}
  /// Something that the user should know and that the result does not show, in one sentence.
  virtual void remark(const std::string& /*sentence*/) {}
  /// Takes the request made since the last call; a request to end stays. The service calls it at one place,
  /// between rounds, and acts on the answer.
  virtual Request asked() { return Request::none; }
  /// The request to end, if there is one; none otherwise. Takes nothing, so that work inside a service may
  /// look.
  virtual Request asked_to_end() { return Request::none; }
};

/// While it lives, the loops of the pool call observer.working().
class Working {
 public:
  Working(ThreadPool& pool, Observer& observer)
      : pool_(pool), before_(pool.set_working([&observer] { observer.working(); })) {}
  ~Working() { pool_.set_working(std::move(before_)); }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

 private:
  ThreadPool& pool_;
  std::function<void()> before_;
};

}  // namespace laconic
