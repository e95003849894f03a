// SPDX-License-Identifier: Apache-2.0
// gRPC calls reactions on its own threads. The thread of the constructor, and later of carry(), makes and
// abandons connections. One mutex guards everything here, and is not held while an operation of gRPC starts.
#include "laconic/sites/site.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include "laconic/core/error.h"
#include "laconic/sites/grpc_support.h"
#include "laconic/sites/session.h"

namespace laconic {
namespace {

using SteadyClock = std::chrono::steady_clock;
using grpc::StatusCode;

std::chrono::duration<double> in_seconds(double seconds) { return std::chrono::duration<double>(seconds); }

constexpr double kFirstPause = 0.05;  // seconds between attempts, doubled until kLastPause
constexpr double kLastPause = 2;
constexpr double kFirstAttempt = 1;  // seconds for an attempt, doubled until kLastAttempt
constexpr double kLastAttempt = 16;
constexpr double kNap = 0.01;

/// Whether a failure to connect says that the certificate of the server is wrong. gRPC says so in words only.
/// If they are others in a newer version, the site tries again until its patience is over.
bool is_about_certificate(std::string_view reason) {
  return reason.find("certificate verify failed") != std::string_view::npos ||
         reason.find("is not in peer certificate") != std::string_view::npos;
}

}  // namespace

class SiteConnection::Impl {
 public:
  explicit Impl(Options options);
  ~Impl();
  void connect();
  void carry(Mailbox& mailbox);

  Welcome welcome_;  // the first one; its rank and size do not change
  bool is_forgotten_ = false;

 private:
  class Call;

  // The mutex is not held.
  void begin();
  void abandon();
  /// Makes and abandons connections as time goes on. Throws the errors of the constructor and of
  /// correspond().
  void look_after();
  void act(Call& call);
  /// Calls `react`. If it throws, ends the connection. gRPC would catch the exception too, but leave the
  /// connection open.
  template <class React>
  void contain(Call& call, React react);
  /// Deals with a call that has ended.
  void learn(const grpc::Status& status);
  void miss(const std::string& reason);

  // The mutex is held.
  void receive(Call& call, const PartsReader& message);
  bool next_message(Call& call);
  void fail(Call& call, const char* why);

  Options options_;
  std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const SessionId id_ = random_session_id();

  std::mutex mutex_;
  std::condition_variable changed_;
  Mailbox* mailbox_ = nullptr;  // during carry()
  std::optional<Session> session_;
  std::string wrong_;           // what the server has sent wrong
  std::string failure_;         // of this site on its present connection
  std::shared_ptr<Call> call_;  // the present one
  // All that gRPC may still use. They are destroyed by the thread of carry(): with the last channel, gRPC
  // ends its threads, so none of these may do it.
  std::vector<std::shared_ptr<Call>> calls_;

  // Of the thread that looks after the connection.
  bool is_connected_ = false;
  bool was_connected_ = false;
  bool is_ended_ = false;   // the server has ended a connection because all is done
  bool is_missed_ = false;  // `lost` was reported
  std::string last_reason_ = "no answer";
  SteadyClock::time_point connected_ = SteadyClock::now();  // the last time
  SteadyClock::time_point next_attempt_ = SteadyClock::now();
  double pause_ = kFirstPause;
  double attempt_ = kFirstAttempt;
  double quiet_ = 0;  // seconds
};

/// A connection. Its members belong to the mutex, but for the buffers.
class SiteConnection::Impl::Call final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Call(Impl& site, const std::shared_ptr<grpc::Channel>& channel) : site_(site), stub_(channel) {
    stub_.PrepareBidiStreamingCall(&context_, kMethod, {}, this);
  }

  void OnReadDone(bool ok) override {
    bool reads_on = false;
    site_.contain(*this, [&] {
      const std::lock_guard lock(site_.mutex_);
      is_reading_ = false;
      if (ok) {
        heard_ = SteadyClock::now();
        const ReceivedMessage message(in_);
        site_.receive(*this, message.reader());
        reads_on = is_reading_ = !is_over_ && site_.mailbox_ != nullptr;
      } else {
        is_over_ = true;
      }
    });
    in_.Clear();
    if (reads_on) StartRead(&in_);
    site_.act(*this);
  }
  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(site_.mutex_);
      is_writing_ = false;
      is_over_ = is_over_ || !ok;
    }
    site_.act(*this);
  }
  void OnDone(const grpc::Status& status) override {
    const std::lock_guard lock(site_.mutex_);
    try {
      status_ = status;
    } catch (const std::bad_alloc&) {  // for its words
      status_.emplace(status.error_code(), "");
    }
    site_.changed_.notify_all();
  }

  Impl& site_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  const SteadyClock::time_point since_ = SteadyClock::now();
  SteadyClock::time_point heard_;
  bool is_welcome_ = false;
  bool is_reading_ = true;
  bool is_writing_ = true;  // the greeting
  bool is_over_ = false;    // nothing more can be read, or written
  bool is_held_ = true;     // operations may still start from outside of reactions
  std::optional<grpc::Status> status_;

  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
};

SiteConnection::Impl::Impl(Options options) : options_(std::move(options)) {
  prepare_grpc();
  credentials_ = grpc::SslCredentials({options_.tls.ca, options_.tls.key, options_.tls.certificate});
  // Sites that lose the same server should not all come back at the same time.
  pause_ = kFirstPause * (1 + id_[0] / 256.0);
}

SiteConnection::Impl::~Impl() {
  abandon();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return std::all_of(calls_.begin(), calls_.end(),
                       [](const auto& call) { return call->status_.has_value(); });
  });
}

void SiteConnection::Impl::begin() {
  grpc::ChannelArguments arguments;
  for (const GrpcSetting& setting : shared_settings()) arguments.SetInt(setting.name, setting.value);
  arguments.SetSslTargetNameOverride("server");
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
                   1);  // an attempt of its own, not an earlier one's pause
  const auto call =
      std::make_shared<Call>(*this, grpc::CreateCustomChannel(options_.server, credentials_, arguments));
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
    call_ = call;
    call->out_ = buffer_of(Greeting{
        .session = id_, .continues = was_connected_, .acknowledged = session_ ? session_->received() : 0}
                               .bytes());
  }
  call->AddHold();
  call->StartRead(&call->in_);
  call->StartWrite(&call->out_);
  call->StartCall();
}

void SiteConnection::Impl::abandon() {
  std::shared_ptr<Call> call;
  {
    const std::lock_guard lock(mutex_);
    call = std::move(call_);
    call_ = nullptr;
    if (call) call->is_over_ = true;
  }
  is_connected_ = false;
  if (!call) return;
  call->context_.TryCancel();
  act(*call);
}

template <class React>
void SiteConnection::Impl::contain(Call& call, React react) {
  try {
    react();
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    fail(call, error.what());
  }
}

void SiteConnection::Impl::fail(Call& call, const char* why) {
  call.is_over_ = true;
  if (call_.get() == &call) failure_ = fmt::format("this site has failed on it: {}", why);
  changed_.notify_all();
}

/// Starts the next operation of the call, if any.
void SiteConnection::Impl::act(Call& call) {
  bool writes = false;
  bool reads = false;
  bool lets_go = false;
  {
    const std::lock_guard lock(mutex_);
    if (!call.is_held_) return;
    try {
      writes = !call.is_over_ && next_message(call);
    } catch (const std::exception& error) {
      fail(call, error.what());
    }
    if (!call.is_over_ && !call.is_reading_ && mailbox_ != nullptr) call.is_reading_ = reads = true;
    lets_go = call.is_over_ && !call.is_writing_ && !call.is_reading_;
    if (lets_go) call.is_held_ = false;
  }
  // The call is held until both are done, and no other thread starts them.
  if (reads) call.StartRead(&call.in_);
  if (writes) call.StartWrite(&call.out_);
  if (lets_go) call.RemoveHold();
}

bool SiteConnection::Impl::next_message(Call& call) {
  if (call.is_writing_ || !call.is_welcome_ || call_.get() != &call || !session_) return false;
  const auto message = session_->next();
  if (!message) return false;
  call.out_ = buffer_of(*message);
  return call.is_writing_ = true;
}

void SiteConnection::Impl::receive(Call& call, const PartsReader& message) {
  if (call_.get() != &call || !wrong_.empty()) return;
  if (call.is_welcome_) {
    if (session_) wrong_ = session_->receive(message);
  } else if (const auto welcome = Welcome::of(message); !welcome) {
    wrong_ = "it does not welcome this site as this version of the protocol does";
  } else if (session_) {
    wrong_ = session_->reconnect(welcome->acknowledged);
    call.is_welcome_ = true;
  } else {
    welcome_ = *welcome;
    call.is_welcome_ = true;
  }
  changed_.notify_all();
}

void SiteConnection::Impl::miss(const std::string& reason) {
  last_reason_ = reason;
  if (!is_missed_ && options_.events.lost) options_.events.lost(reason);
  is_missed_ = true;
}

void SiteConnection::Impl::learn(const grpc::Status& status) {
  const std::string& reason = status.error_message();
  switch (status.error_code()) {
    case StatusCode::PERMISSION_DENIED:
    case StatusCode::FAILED_PRECONDITION:
      throw InputError(fmt::format("the server {} refuses this site: {}", options_.server, reason));
    case StatusCode::INVALID_ARGUMENT:
    case StatusCode::ABORTED:
      throw RunError(fmt::format("the server {} has ended the connection: {}", options_.server, reason));
    case StatusCode::UNIMPLEMENTED:
      throw InputError(fmt::format("there is no laconic server at {}: {}", options_.server, reason));
    case StatusCode::NOT_FOUND:
      is_forgotten_ = true;
      return;
    case StatusCode::OK:
      is_ended_ = true;
      last_reason_ = "the server has ended the connection";
      return;
    default:
      if (is_about_certificate(reason)) {
        throw InputError(
            fmt::format("the certificate of the server {} is not one of `server` that ca.pem verifies: {}",
                        options_.server, reason));
      }
      miss(reason.empty() ? "the connection has ended" : reason);
  }
}

void SiteConnection::Impl::look_after() {
  const auto now = SteadyClock::now();
  std::shared_ptr<Call> call;
  std::vector<std::shared_ptr<Call>> done;
  std::optional<grpc::Status> status;
  std::string failure;
  bool is_welcome = false;
  SteadyClock::time_point heard;
  {
    const std::lock_guard lock(mutex_);
    if (!wrong_.empty())
      throw RunError(fmt::format("the server {} has sent something wrong: {}", options_.server, wrong_));
    const auto is_in_use = [&](const auto& one) { return one == call_ || !one->status_; };
    const auto unused = std::stable_partition(calls_.begin(), calls_.end(), is_in_use);
    done.assign(unused, calls_.end());
    calls_.erase(unused, calls_.end());
    call = call_;
    failure = std::exchange(failure_, "");
    if (session_ && !session_->is_whole()) is_forgotten_ = true;
    if (call) {
      status = call->status_;
      is_welcome = call->is_welcome_;
      heard = call->heard_;
    }
  }
  const auto pause = [&] {
    next_attempt_ = now + std::chrono::duration_cast<SteadyClock::duration>(in_seconds(pause_));
    pause_ = std::min(2 * pause_, kLastPause);
  };
  if (is_welcome && !is_connected_) {
    is_connected_ = was_connected_ = true;
    pause_ = kFirstPause * (1 + id_[0] / 256.0);
    attempt_ = kFirstAttempt;
    quiet_ = std::max(quiet_, welcome_.patience / 4);
    if (is_missed_ && options_.events.found) options_.events.found();
    is_missed_ = false;
  }
  if (is_connected_) connected_ = now;
  if (!failure.empty()) {
    abandon();
    pause();
    miss(failure);
  } else if (status) {
    abandon();
    pause();
    learn(*status);
  } else if (is_connected_ && mailbox_ != nullptr && now - heard > in_seconds(quiet_)) {
    abandon();
    // On a slow link a piece may take longer than that.
    quiet_ *= 2;
    miss(fmt::format("the server was silent for {:.2g} s", quiet_ / 2));
  } else if (call && !is_welcome && now - call->since_ > in_seconds(attempt_)) {
    abandon();
    attempt_ = std::min(2 * attempt_, kLastAttempt);
    pause();
    miss("the server does not answer");
  }
  if (is_forgotten_) return;
  if (now - connected_ > in_seconds(options_.server_patience)) {
    throw RunError(fmt::format("there is no connection to the server {} for {} s: {}", options_.server,
                               options_.server_patience, last_reason_));
  }
  if (!call && now >= next_attempt_) begin();
}

void SiteConnection::Impl::connect() {
  while (!is_connected_) {
    look_after();
    if (is_forgotten_) throw RunError(fmt::format("the server {} has forgotten this site", options_.server));
    if (is_ended_) throw RunError(fmt::format("the run of the server {} has ended", options_.server));
    if (options_.events.waits) options_.events.waits();
    std::unique_lock lock(mutex_);
    if (!is_connected_) changed_.wait_for(lock, in_seconds(kNap));
  }
}

void SiteConnection::Impl::carry(Mailbox& mailbox) {
  {
    const std::lock_guard lock(mutex_);
    check(!session_, "a connection of a site corresponds once");
    mailbox_ = &mailbox;
    session_.emplace(0, mailbox);
    if (call_) call_->heard_ = SteadyClock::now();
  }
  const auto finish = [&] {
    abandon();
    const std::lock_guard lock(mutex_);
    mailbox_ = nullptr;
  };
  auto over_since = SteadyClock::time_point::max();
  try {
    for (;;) {
      look_after();
      if (is_forgotten_) mailbox.give_up(0);
      std::shared_ptr<Call> call;
      {
        const std::lock_guard lock(mutex_);
        call = call_;
      }
      if (call) act(*call);
      mailbox.look_around();
      if (mailbox.is_over()) {
        // What was sent last should arrive. If it is not acknowledged, the server may have ended already.
        const auto now = SteadyClock::now();
        over_since = std::min(over_since, now);
        const std::lock_guard lock(mutex_);
        if (is_ended_ || is_forgotten_ || session_->is_all_acknowledged() ||
            now - over_since > std::chrono::seconds(1))
          break;
      } else if (is_ended_ && !mailbox.closed()) {
        throw RunError(fmt::format("the run of the server {} has ended without this site", options_.server));
      }
      mailbox.wait_for_post(kNap);
    }
  } catch (...) {
    finish();
    throw;
  }
  finish();
}

SiteConnection::SiteConnection(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->connect();
}
SiteConnection::~SiteConnection() = default;
std::size_t SiteConnection::rank() const { return impl_->welcome_.rank; }
std::size_t SiteConnection::size() const { return impl_->welcome_.ranks; }
double SiteConnection::patience() const { return impl_->welcome_.patience; }
bool SiteConnection::is_forgotten() const { return impl_->is_forgotten_; }
Mailbox::Habits SiteConnection::habits() const {
  constexpr double kSignsPerPatience = 8;
  return {.between_signs = patience() / kSignsPerPatience, .ranks_arrive = false};
}
void SiteConnection::move(std::span<const ByteView> /*to*/, std::span<const MutByteView> /*from*/) {
  check(false, "sites make no collective calls");
}
void SiteConnection::carry(Mailbox& mailbox) { impl_->carry(mailbox); }

}  // namespace laconic
