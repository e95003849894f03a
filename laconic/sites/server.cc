// SPDX-License-Identifier: Apache-2.0
// gRPC calls reactions (OnReadDone and so on) on its own threads; the thread of carry() looks after all
// sites. One mutex guards everything here. No reading, writing or finishing of a bound stream starts while it
// is held, and no event is reported.
//
// What is not limited: the connections without a stream, which gRPC closes after some time, and the streams
// of one site with a trusted certificate.
#include "laconic/sites/server.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "laconic/core/error.h"
#include "laconic/sites/grpc_support.h"
#include "laconic/sites/session.h"

namespace laconic {
namespace {

using SteadyClock = std::chrono::steady_clock;
using grpc::Status;
using grpc::StatusCode;

/// The certificates that the other end of a call showed, its own first; it has the key of that one.
std::string shown_certificates(const grpc::AuthContext& peer) {
  std::string shown;
  for (const char* property : {"x509_pem_cert", "x509_pem_cert_chain"}) {
    for (const grpc::string_ref& pem : peer.FindPropertyValues(property)) {
      const std::string text(pem.data(), pem.size());
      if (text.rfind(shown, 0) == 0) shown.clear();  // the chain begins with the certificate itself
      shown += text;
    }
  }
  return shown;
}

}  // namespace

class SitesServer::Impl final : public grpc::CallbackGenericService {
 public:
  explicit Impl(Options options);
  ~Impl() override;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::size_t ranks() const { return places_.size(); }
  void carry(Mailbox& mailbox);

 private:
  class Stream;
  using StreamPointer = std::shared_ptr<Stream>;

  /// A name of the roster.
  struct Place {
    SessionId id = {};
    std::unique_ptr<Session> session;
    StreamPointer stream;  // null while the site is not connected
  };
  /// What to do with a stream, after the mutex is released.
  struct Step {
    enum class Kind : std::uint8_t { nothing, write, finish };
    Kind kind = Kind::nothing;
    Status status = {};
  };

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;

  // The mutex is held.
  Step next_step(Stream& stream);
  void end(Stream& stream, Status status);
  void receive(const StreamPointer& stream, const PartsReader& message);
  void greet(const StreamPointer& stream);
  void refuse(Stream& stream, const std::string& reason);
  void lose(Stream& stream, const std::string& reason);
  void drop_session(std::size_t rank, Status status, const std::string& reason);
  void reject_unended();
  void end_lost_sessions();
  void end_slow_streams();
  void report(std::function<void()> event) { events_to_report_.push_back(std::move(event)); }
  void report_refused(const std::string& from, const std::string& reason);

  // The mutex is not held.
  /// Calls `react`. If it throws, ends the stream, and its session if that cannot go on. gRPC would catch the
  /// exception too, but leave the stream open.
  template <class React>
  void contain(Stream& stream, React react);
  void fail(Stream& stream, const char* why);
  void act(const StreamPointer& stream);
  void report_events();

  std::unordered_map<std::string, std::size_t> rank_of_;  // by name
  std::vector<std::string> names_;                        // by rank
  SitesEvents events_;
  Trust trust_;

  std::mutex mutex_;
  std::condition_variable stream_is_done_;
  Mailbox* mailbox_ = nullptr;  // during carry()
  bool is_over_ = false;        // carry() has returned
  std::vector<Place> places_;   // by rank; that of rank 0 is unused
  std::vector<StreamPointer> streams_;
  std::optional<SteadyClock::time_point> closed_since_;
  std::vector<std::function<void()>> events_to_report_;

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

/// A connection of a site with a trusted certificate. Its members belong to the mutex of the server, but for
/// the buffers, which belong to the operation that is in progress.
class SitesServer::Impl::Stream final : public grpc::ServerGenericBidiReactor {
 public:
  Stream(Impl& server, grpc::CallbackServerContext& context, std::size_t rank)
      : rank_(rank), address_(context.peer()), server_(server), context_(context) {}

  void OnReadDone(bool ok) override {
    const StreamPointer self = self_;
    server_.contain(*this, [&] {
      {
        const std::lock_guard lock(server_.mutex_);
        if (ok) {
          const ReceivedMessage message(in_);
          server_.receive(self, message.reader());
        } else {
          server_.lose(*this, "its connection has ended");
        }
      }
      in_.Clear();
      if (ok) StartRead(&in_);
    });
    server_.act(self);
  }
  void OnWriteDone(bool ok) override {
    const StreamPointer self = self_;
    server_.contain(*this, [&] {
      const std::lock_guard lock(server_.mutex_);
      is_writing_ = false;
      if (!ok) server_.lose(*this, "its connection has ended");
    });
    server_.act(self);
  }
  void OnDone() override {
    Impl& server = server_;
    const StreamPointer self = std::move(self_);
    server.contain(*this, [&] {
      const std::lock_guard lock(server.mutex_);
      server.lose(*this, "its connection has ended");
    });
    const std::lock_guard lock(server.mutex_);
    std::erase(server.streams_, self);
    server.stream_is_done_.notify_all();
  }

  const std::size_t rank_;
  const std::string address_;
  const SteadyClock::time_point since_ = SteadyClock::now();
  std::optional<Greeting> greeting_;
  std::optional<Welcome> to_welcome_;
  bool is_writing_ = false;
  std::optional<Status> ending_;  // with which it ends when nothing is being written
  SteadyClock::time_point ending_since_;
  bool is_finished_ = false;

  StreamPointer self_;  // until gRPC is done with it
  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
  Impl& server_;
  grpc::CallbackServerContext& context_;  // valid until OnDone
};

template <class React>
void SitesServer::Impl::contain(Stream& stream, React react) {
  try {
    react();
  } catch (const std::exception& error) {
    fail(stream, error.what());
  }
}

void SitesServer::Impl::fail(Stream& stream, const char* why) {
  const std::string reason = fmt::format("the server has failed on this connection: {}", why);
  const std::lock_guard lock(mutex_);
  const Place& place = places_[stream.rank_];
  if (place.stream.get() == &stream && !place.session->is_whole()) {
    drop_session(stream.rank_, {StatusCode::NOT_FOUND, reason}, reason);
  } else {
    lose(stream, reason);
  }
}

SitesServer::Impl::Impl(Options options)
    : names_{"server"},
      events_(std::move(options.events)),
      trust_(options.tls),
      places_(options.roster.size() + 1) {
  prepare_grpc();
  for (const std::string& name : options.roster) {
    if (!rank_of_.try_emplace(name, names_.size()).second)
      throw InputError(fmt::format("the roster has the name {} twice", name));
    names_.push_back(name);
  }
  // Every certificate is accepted by gRPC, and judged in CreateReactor: so the server knows the reason of a
  // refusal, and the site is told. TLS proves in any case that the peer has the key of its certificate.
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  tls.pem_root_certs = options.tls.ca;
  tls.pem_key_cert_pairs.push_back({options.tls.key, options.tls.certificate});
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(this);
  builder.AddListeningPort(options.listen, grpc::SslServerCredentials(tls), &port_);
  for (const GrpcSetting& setting : shared_settings())
    builder.AddChannelArgument(setting.name, setting.value);
  constexpr int kSecond = 1000;  // ms
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 4);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 60 * kSecond);
  // The server closes connections of which the other end has disappeared.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * kSecond);
  server_ = builder.BuildAndStart();
  if (!server_ || port_ == 0) {
    throw InputError(fmt::format(
        "cannot listen at {}: need HOST:PORT of this machine, and a port that is free", options.listen));
  }
}

SitesServer::Impl::~Impl() {
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  server_->Wait();
  std::unique_lock lock(mutex_);
  stream_is_done_.wait(lock, [&] { return streams_.empty(); });
}

grpc::ServerGenericBidiReactor* SitesServer::Impl::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  /// A call that ends at once.
  class Refused final : public grpc::ServerGenericBidiReactor {
   public:
    explicit Refused(Status status) { Finish(std::move(status)); }
    void OnDone() override { delete this; }
  };
  if (context->method() != kMethod)
    return new Refused({StatusCode::UNIMPLEMENTED, "there is no such method"});
  try {
    auto [name, refusal] = trust_.judge(shown_certificates(*context->auth_context()));
    const auto found = rank_of_.find(name);
    if (refusal.empty() && found == rank_of_.end()) refusal = fmt::format("{} is not on the roster", name);
    const std::lock_guard lock(mutex_);
    if (!refusal.empty()) {
      report_refused(name.empty() ? context->peer() : name, refusal);
      return new Refused({StatusCode::PERMISSION_DENIED, refusal});
    }
    if (is_over_) return new Refused({StatusCode::UNAVAILABLE, "the run has ended"});
    const auto stream = std::make_shared<Stream>(*this, *context, found->second);
    streams_.push_back(stream);
    stream->self_ = stream;
    stream->StartRead(&stream->in_);  // begins when this function has returned
    return stream.get();
  } catch (const std::exception& error) {
    return new Refused({StatusCode::UNAVAILABLE, error.what()});
  }
}

void SitesServer::Impl::act(const StreamPointer& stream) {
  Step step;
  const auto choose = [&] {
    const std::lock_guard lock(mutex_);
    step = next_step(*stream);
  };
  contain(*stream, choose);
  // Until then, no other thread writes or finishes this stream.
  if (step.kind == Step::Kind::write) stream->StartWrite(&stream->out_);
  if (step.kind == Step::Kind::finish) stream->Finish(std::move(step.status));
}

SitesServer::Impl::Step SitesServer::Impl::next_step(Stream& stream) {
  if (stream.is_writing_ || stream.is_finished_) return {};
  if (stream.ending_) {
    stream.is_finished_ = true;
    return {Step::Kind::finish, *stream.ending_};
  }
  Place& place = places_[stream.rank_];
  if (stream.to_welcome_) {
    stream.out_ = buffer_of(stream.to_welcome_->bytes());
    stream.to_welcome_.reset();
  } else if (place.stream.get() == &stream && mailbox_ != nullptr) {
    const auto message = place.session->next();
    if (!message) return {};
    stream.out_ = buffer_of(*message);
  } else {
    return {};
  }
  stream.is_writing_ = true;
  return {Step::Kind::write, {}};
}

void SitesServer::Impl::end(Stream& stream, Status status) {
  if (stream.ending_) return;
  stream.ending_ = std::move(status);
  stream.ending_since_ = SteadyClock::now();
}

void SitesServer::Impl::refuse(Stream& stream, const std::string& reason) {
  Place& place = places_[stream.rank_];
  if (place.stream.get() == &stream) {
    mailbox_->reject(stream.rank_, reason);
    drop_session(stream.rank_, {StatusCode::INVALID_ARGUMENT, reason}, reason);
  } else {
    report_refused(names_[stream.rank_], reason);
    end(stream, {StatusCode::INVALID_ARGUMENT, reason});
  }
}

void SitesServer::Impl::drop_session(std::size_t rank, Status status, const std::string& reason) {
  Place& place = places_[rank];
  place.session.reset();
  if (!place.stream) return;
  end(*place.stream, std::move(status));
  place.stream.reset();
  report([this, rank, reason] {
    if (events_.disconnected) events_.disconnected(rank, reason);
  });
}

/// The connection of the stream has ended; its session goes on.
void SitesServer::Impl::lose(Stream& stream, const std::string& reason) {
  end(stream, {StatusCode::CANCELLED, reason});
  Place& place = places_[stream.rank_];
  if (place.stream.get() != &stream) return;
  place.stream.reset();
  if (is_over_ || place.session->has_heard_end()) return;
  report([this, rank = stream.rank_, reason] {
    if (events_.disconnected) events_.disconnected(rank, reason);
  });
}

void SitesServer::Impl::receive(const StreamPointer& stream, const PartsReader& message) {
  if (stream->ending_) return;
  Place& place = places_[stream->rank_];
  if (place.stream == stream) {
    const std::string wrong = mailbox_ != nullptr ? place.session->receive(message) : "";
    if (!wrong.empty()) refuse(*stream, wrong);
    return;
  }
  const auto greeting = Greeting::of(message);
  if (!greeting || stream->greeting_) {
    refuse(*stream, "it does not begin with a greeting");
  } else if (greeting->version != kProtocolVersion) {
    end(*stream, {StatusCode::FAILED_PRECONDITION,
                  fmt::format("the server speaks version {} of the protocol, the site {}", kProtocolVersion,
                              greeting->version)});
  } else {
    stream->greeting_ = greeting;
    if (mailbox_ != nullptr) greet(stream);
  }
}

void SitesServer::Impl::greet(const StreamPointer& stream) {
  const Greeting& greeting = *stream->greeting_;
  const std::size_t rank = stream->rank_;
  Place& place = places_[rank];
  if (place.session && place.id == greeting.session) {
    const std::string wrong = place.session->reconnect(greeting.acknowledged);
    if (place.stream) end(*place.stream, {StatusCode::CANCELLED, "the site has connected again"});
    place.stream = stream;
    if (!wrong.empty()) {
      refuse(*stream, wrong);
      return;
    }
    mailbox_->hear_from(rank);
    report([this, rank] {
      if (events_.reconnected) events_.reconnected(rank);
    });
  } else if (greeting.continues) {
    end(*stream, {StatusCode::NOT_FOUND,
                  "the server does not know this session: it has begun anew, or has given it up"});
    return;
  } else if (mailbox_->closed()) {  // who joins anew again and again does not hold up the end
    end(*stream, {StatusCode::UNAVAILABLE, "the run has ended"});
    return;
  } else if (greeting.acknowledged != 0) {
    refuse(*stream, "it acknowledges pieces before it has any");
    return;
  } else {
    const std::string replaced = "another process of this name has joined";
    drop_session(rank, {StatusCode::ABORTED, replaced}, replaced);
    mailbox_->arrive(rank);
    place = {.id = greeting.session, .session = std::make_unique<Session>(rank, *mailbox_), .stream = stream};
    report([this, rank, address = stream->address_] {
      if (events_.connected) events_.connected(rank, address);
    });
  }
  stream->to_welcome_ = Welcome{.rank = static_cast<std::uint32_t>(rank),
                                .ranks = static_cast<std::uint32_t>(places_.size()),
                                .patience = mailbox_->patience(),
                                .acknowledged = place.session->received()};
}

void SitesServer::Impl::report_refused(const std::string& from, const std::string& reason) {
  if (is_over_) return;
  report([this, from, reason] {
    if (events_.refused) events_.refused(from, reason);
  });
}

void SitesServer::Impl::report_events() {
  std::vector<std::function<void()>> events;
  {
    const std::lock_guard lock(mutex_);
    events.swap(events_to_report_);
  }
  for (const auto& event : events) event();
}

/// Sites that are not silent do not hold up the end of the run either: after some patiences they are refused.
void SitesServer::Impl::reject_unended() {
  constexpr double kPatiences = 6;
  if (!mailbox_->closed()) return;
  const auto now = SteadyClock::now();
  if (!closed_since_) closed_since_ = now;
  if (now - *closed_since_ < std::chrono::duration<double>(kPatiences * mailbox_->patience())) return;
  for (std::size_t rank = 1; rank < places_.size(); ++rank) {
    if (places_[rank].session && !places_[rank].session->has_heard_end())
      mailbox_->reject(rank, "it does not confirm the end of the run");
  }
}

/// Ends the sessions of ranks to and from which no letters go any more.
void SitesServer::Impl::end_lost_sessions() {
  for (std::size_t rank = 1; rank < places_.size(); ++rank) {
    if (!places_[rank].session || mailbox_->is_connected(rank)) continue;
    if (const std::string refusal = mailbox_->refusal(rank); !refusal.empty()) {
      drop_session(rank, {StatusCode::INVALID_ARGUMENT, refusal}, refusal);
    } else if (places_[rank].session->has_heard_end()) {
      drop_session(rank, Status::OK, "it has left");
    } else {
      const std::string reason = "it was silent for longer than the patience";
      drop_session(rank, {StatusCode::NOT_FOUND, reason}, reason);
    }
  }
}

void SitesServer::Impl::end_slow_streams() {
  const auto now = SteadyClock::now();
  for (const StreamPointer& stream : streams_) {
    if (!stream->greeting_ && now - stream->since_ > std::chrono::seconds(10))
      end(*stream, {StatusCode::DEADLINE_EXCEEDED, "it does not begin with a greeting"});
    // Its connection takes nothing any more.
    if (stream->ending_ && !stream->is_finished_ && now - stream->ending_since_ > std::chrono::seconds(1))
      stream->context_.TryCancel();
  }
}

void SitesServer::Impl::carry(Mailbox& mailbox) {
  constexpr double kNap = 0.01;  // seconds; a letter that is posted ends it
  std::vector<StreamPointer> streams;
  {
    const std::lock_guard lock(mutex_);
    check(!is_over_, "a server of sites corresponds once");
    mailbox_ = &mailbox;
    for (const StreamPointer& stream : streams_) {
      if (stream->greeting_ && !stream->ending_) greet(stream);
    }
  }
  const auto finish = [&](const Status& status) {
    std::unique_lock lock(mutex_);
    is_over_ = true;
    mailbox_ = nullptr;
    for (const StreamPointer& stream : streams_) end(*stream, status);
    for (Place& place : places_) place = {};
    streams = streams_;
    lock.unlock();
    for (const StreamPointer& stream : streams) act(stream);
    report_events();
  };
  try {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        reject_unended();
        end_lost_sessions();
        end_slow_streams();
        streams = streams_;
      }
      for (const StreamPointer& stream : streams) act(stream);
      report_events();
      mailbox.look_around();
      if (mailbox.is_over()) break;
      mailbox.wait_for_post(kNap);
    }
  } catch (...) {
    finish({StatusCode::UNAVAILABLE, "the server has failed"});
    throw;
  }
  finish(Status::OK);
  // The ends of the streams tell the sites that all has arrived. Those on a stuck connection are cancelled
  // later.
  std::unique_lock lock(mutex_);
  stream_is_done_.wait_for(lock, std::chrono::seconds(1), [&] { return streams_.empty(); });
}

SitesServer::SitesServer(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
SitesServer::~SitesServer() = default;
int SitesServer::port() const { return impl_->port(); }
std::size_t SitesServer::size() const { return impl_->ranks(); }
Mailbox::Habits SitesServer::habits() const { return {.between_signs = {}, .ranks_arrive = true}; }
void SitesServer::move(std::span<const ByteView> /*to*/, std::span<const MutByteView> /*from*/) {
  check(false, "sites make no collective calls");
}
void SitesServer::carry(Mailbox& mailbox) { impl_->carry(mailbox); }

}  // namespace laconic
