// SPDX-License-Identifier: Apache-2.0
// The processes with which bench/sites.py measures: servers and sites, a plain TLS stream as the reference,
// and a link. They print a line for each event or value; times are seconds of the monotonic clock, which all
// processes of a machine share.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "laconic/core/error.h"
#include "laconic/sites/openssl.h"
#include "laconic/sites/server.h"
#include "laconic/sites/site.h"

namespace laconic {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class... Values>
void say(fmt::format_string<Values...> text, Values&&... values) {
  fmt::print("{}\n", fmt::format(text, std::forward<Values>(values)...));
  std::fflush(stdout);
}

/// The result of a system call; throws if it is negative.
int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// Letters. Each begins with a head; the bytes after it are the same noise in every process.

enum class Kind : std::uint64_t {
  echo,     // send it back
  data,     // send a receipt
  ask,      // send data of `asked` bytes
  receipt,  // `took` is how long the letter was on its way
};
struct Head {
  Kind kind = Kind::echo;
  std::uint64_t length = 0;  // of the letter
  std::uint64_t asked = 0;
  double sent = 0;
  double took = 0;
};

/// At least so many bytes of noise. For one thread.
const std::uint8_t* noise(std::size_t size) {
  static std::mt19937_64 random(1);
  static std::vector<std::uint64_t> words;
  while (words.size() * sizeof(std::uint64_t) < size) words.push_back(random());
  return reinterpret_cast<const std::uint8_t*>(words.data());
}

/// `sent` is set last, to the time of the return.
Letter make_letter(Head head, std::size_t size = sizeof(Head)) {
  head.length = size;
  const std::uint8_t* bytes = noise(size);
  auto letter = std::make_shared<std::vector<std::uint8_t>>(bytes, bytes + size);
  head.sent = now();
  std::memcpy(letter->data(), &head, sizeof head);
  return letter;
}

Head head_of(ByteView letter) {
  Head head;
  if (letter.size() >= sizeof head) std::memcpy(&head, letter.data(), sizeof head);
  const std::size_t content = letter.size() - sizeof head;
  if (letter.size() < sizeof head || head.length != letter.size() ||
      std::memcmp(letter.data() + sizeof head, noise(letter.size()) + sizeof head, content) != 0)
    throw RunError("a letter arrived that is not the one that was sent");
  return head;
}

// What carries them: a mailbox, or a plain TLS stream.

class Channel {
 public:
  Channel() = default;
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  virtual void send(Letter letter) = 0;
  /// The next letter, valid until the next call; empty at the end.
  virtual ByteView receive() = 0;
};

class MailboxChannel final : public Channel {
 public:
  MailboxChannel(Mailbox& mailbox, std::size_t peer) : mailbox_(mailbox), peer_(peer) {}
  void send(Letter letter) override { mailbox_.post(peer_, std::move(letter)); }
  ByteView receive() override {
    while (!mailbox_.closed() && !mailbox_.is_lost(peer_)) {
      if (auto received = mailbox_.take(mailbox_.between_looks())) {
        letter_ = std::move(received->letter);
        return *letter_;
      }
    }
    return {};
  }

 private:
  Mailbox& mailbox_;
  std::size_t peer_;
  Letter letter_;
};

using TlsContext = std::unique_ptr<SSL_CTX, openssl::ReleasedBy<SSL_CTX_free>>;
using Tls = std::unique_ptr<SSL, openssl::ReleasedBy<SSL_free>>;

/// TLS 1.3 in which both ends have a certificate, in blocking calls. It reads into one buffer that stays.
class TlsChannel final : public Channel {
 public:
  /// `socket` is connected.
  TlsChannel(const std::string& folder, int socket, bool is_server) : socket_(socket) {
    using openssl::done;
    const int yes = 1;
    checked(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), "TCP_NODELAY");
    context_.reset(openssl::made(SSL_CTX_new(TLS_method())));
    done(static_cast<int>(SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION)));
    done(SSL_CTX_use_certificate_chain_file(context_.get(), (folder + "/cert.pem").c_str()));
    done(SSL_CTX_use_PrivateKey_file(context_.get(), (folder + "/key.pem").c_str(), SSL_FILETYPE_PEM));
    done(SSL_CTX_load_verify_locations(context_.get(), (folder + "/ca.pem").c_str(), nullptr));
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    tls_.reset(openssl::made(SSL_new(context_.get())));
    done(SSL_set_fd(tls_.get(), socket));
    done(is_server ? SSL_accept(tls_.get()) : SSL_connect(tls_.get()));
  }
  ~TlsChannel() override {
    SSL_shutdown(tls_.get());
    close(socket_);
  }
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  void send(Letter letter) override {
    std::size_t written = 0;
    openssl::done(SSL_write_ex(tls_.get(), letter->data(), letter->size(), &written));
  }
  ByteView receive() override {
    if (!fill(0, sizeof(Head))) return {};
    Head head;
    std::memcpy(&head, bytes_.data(), sizeof head);
    if (!fill(sizeof head, head.length)) throw RunError("the TLS stream ended inside a letter");
    return ByteView(bytes_).first(head.length);
  }

 private:
  /// Reads the bytes from `begin` to `end` of the letter. False if the stream ends before.
  bool fill(std::size_t begin, std::size_t end) {
    if (bytes_.size() < end) bytes_.resize(end);
    while (begin < end) {
      std::size_t got = 0;
      if (SSL_read_ex(tls_.get(), bytes_.data() + begin, end - begin, &got) <= 0) return false;
      begin += got;
    }
    return true;
  }

  int socket_;
  TlsContext context_;
  Tls tls_;
  std::vector<std::uint8_t> bytes_;
};

std::pair<std::string, std::string> split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) throw InputError(address + ": need HOST:PORT");
  return {address.substr(0, colon), address.substr(colon + 1)};
}

/// A socket that listens at `host` or is connected to it.
int open_socket(const std::string& address, bool listens) {
  const auto [host, port] = split(address);
  addrinfo hints = {};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0)
    throw InputError(address + ": no address");
  const std::unique_ptr<addrinfo, openssl::ReleasedBy<freeaddrinfo>> owner(found);
  const int result = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  if (listens) {
    checked(bind(result, found->ai_addr, found->ai_addrlen), "bind");
    checked(listen(result, 1), "listen");
  } else {
    checked(connect(result, found->ai_addr, found->ai_addrlen), "connect");
  }
  return result;
}

int port_of(int listening) {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  checked(getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

// A site, or the other end of the plain stream.

void answer(Channel& channel) {
  for (;;) {
    const ByteView letter = channel.receive();
    const double received = now();
    if (letter.empty()) return;
    const Head head = head_of(letter);
    if (head.kind == Kind::echo) {
      channel.send(std::make_shared<const std::vector<std::uint8_t>>(letter.begin(), letter.end()));
    } else if (head.kind == Kind::ask) {
      channel.send(make_letter({.kind = Kind::data}, head.asked));
    } else {
      channel.send(make_letter({.kind = Kind::receipt, .took = received - head.sent}));
    }
  }
}

void join(const std::string& folder, const std::string& server) {
  SiteConnection connection({.server = server, .tls = read_tls(folder), .server_patience = 60, .events = {}});
  connection.correspond(60, [](Mailbox& mailbox) {
    MailboxChannel channel(mailbox, 0);
    answer(channel);
    return 0;
  });
}

void join_plain(const std::string& folder, const std::string& server) {
  TlsChannel channel(folder, open_socket(server, false), false);
  answer(channel);
}

// Servers.

Head expect(Channel& channel, Kind kind) {
  const ByteView letter = channel.receive();
  if (letter.empty()) throw RunError("the other end is lost");
  const Head head = head_of(letter);
  if (head.kind != kind) throw RunError("a letter of the wrong kind arrived");
  return head;
}

void wait_for_sites(Mailbox& mailbox) {
  for (std::size_t rank = 1; rank < mailbox.size(); ++rank) {
    while (!mailbox.is_connected(rank)) mailbox.sleep(0.001);
  }
}

/// A server for one site, and for the other end of a plain TLS stream, which are measured in turn.
void serve_both(const std::string& folder, const std::string& host, void (*measure)(Mailbox&, Channel&)) {
  SitesServer server(
      {.listen = host + ":0", .tls = read_tls(folder + "/server"), .roster = {"s1"}, .events = {}});
  const int listening = open_socket(host + ":0", true);
  say("listening {} {}", server.port(), port_of(listening));
  server.correspond(30, [&](Mailbox& mailbox) {
    mailbox.limit({.letter = std::size_t{1} << 28, .waiting = std::size_t{1} << 30});
    wait_for_sites(mailbox);
    TlsChannel plain(folder + "/server", checked(accept(listening, nullptr, nullptr), "accept"), true);
    measure(mailbox, plain);
    return 0;
  });
  close(listening);
}

/// How long a letter is on its way to the other end, and from there.
double time_down(Channel& channel, std::size_t size) {
  channel.send(make_letter({.kind = Kind::data}, size));
  return expect(channel, Kind::receipt).took;
}
double time_up(Channel& channel, std::size_t size) {
  channel.send(make_letter({.kind = Kind::ask, .asked = size}));
  const ByteView letter = channel.receive();
  const double received = now();
  return received - head_of(letter).sent;
}

void measure_loopback(Mailbox& mailbox, Channel& plain) {
  constexpr std::size_t kSize = 10'000'000;
  constexpr std::size_t kSmall = 100;
  MailboxChannel site(mailbox, 1);
  const std::pair<const char*, Channel*> both[] = {{"site", &site}, {"plain", &plain}};
  for (int repeat = 0; repeat < 12; ++repeat) {
    for (const auto& [name, channel] : both) {
      for (int k = 0; k < 200; ++k) {
        const Letter letter = make_letter({}, kSmall);
        const double begin = now();
        channel->send(letter);
        expect(*channel, Kind::echo);
        say("echo {} {:.9f}", name, now() - begin);
      }
      for (int k = 0; k < 3; ++k) say("down {} {:.9f}", name, time_down(*channel, kSize));
      for (int k = 0; k < 3; ++k) say("up {} {:.9f}", name, time_up(*channel, kSize));
    }
    // The receipt comes after the data, because letters arrive in order.
    const Letter data = make_letter({.kind = Kind::data}, kSize);
    const double begin = now();
    site.send(make_letter({.kind = Kind::ask, .asked = kSize}));
    site.send(data);
    expect(site, Kind::data);
    expect(site, Kind::receipt);
    say("both site {:.9f}", now() - begin);
  }
}

/// One letter of 100 MB. Then orders of 1 MB: alone, and made faster than the link carries them.
void measure_link(Mailbox& mailbox, Channel& plain) {
  constexpr std::size_t kLong = 100'000'000;
  constexpr std::size_t kOrder = 1'000'000;
  constexpr double kBetween = 0.02;
  constexpr double kSeconds = 8;
  MailboxChannel site(mailbox, 1);
  const std::pair<const char*, Channel*> both[] = {{"site", &site}, {"plain", &plain}};
  for (const auto& [name, channel] : both) say("long {} {:.9f}", name, time_down(*channel, kLong));
  for (int k = 0; k < 10; ++k) {
    for (const auto& [name, channel] : both) say("alone {} {:.9f}", name, time_down(*channel, kOrder));
  }
  double end = now() + kSeconds;
  while (now() < end) {
    mailbox.post_newest(1, make_letter({.kind = Kind::data}, kOrder));
    const double next = now() + kBetween;
    while (now() < next) {
      if (const auto received = mailbox.take(std::max(0.0, next - now())))
        say("order site {:.9f}", head_of(*received->letter).took);
    }
  }
  // The plain stream takes each order when it has room in the buffer of its socket.
  int sent = 0;
  for (end = now() + kSeconds; now() < end; ++sent) plain.send(make_letter({.kind = Kind::data}, kOrder));
  for (; sent > 0; --sent) say("order plain {:.9f}", expect(plain, Kind::receipt).took);
}

std::vector<std::string> roster_of(std::size_t sites) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= sites; ++i) names.push_back(fmt::format("s{}", i));
  return names;
}

/// Resident memory, in bytes.
std::size_t resident() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, pages = 0;
  file >> all >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void serve_idle(const std::string& folder, std::size_t sites) {
  SitesServer server({.listen = "127.0.0.1:0",
                      .tls = read_tls(folder + "/server"),
                      .roster = roster_of(sites),
                      .events = {}});
  const std::size_t before = resident();
  say("listening {}", server.port());
  server.correspond(30, [&](Mailbox& mailbox) {
    wait_for_sites(mailbox);
    mailbox.sleep(5);  // some signs of life of each
    say("resident {} {}", before, resident());
    return 0;
  });
}

/// Says when sites are disconnected and lost, until all were lost.
void serve_watch(const std::string& folder, const std::string& host, std::size_t sites, double patience) {
  SitesServer server(
      {.listen = host + ":0",
       .tls = read_tls(folder + "/server"),
       .roster = roster_of(sites),
       .events = {
           .disconnected = [](std::size_t rank,
                              const std::string&) { say("disconnected {} {:.6f}", rank, now()); },
       }});
  say("listening {}", server.port());
  server.correspond(patience, [&](Mailbox& mailbox) {
    wait_for_sites(mailbox);
    say("connected");
    std::vector<bool> lost(mailbox.size());
    for (std::size_t left = sites; left > 0; mailbox.sleep(0.0005)) {
      for (std::size_t rank = 1; rank < mailbox.size(); ++rank) {
        if (lost[rank] || !mailbox.is_lost(rank)) continue;
        say("lost {} {:.6f}", rank, now());
        lost[rank] = true;
        --left;
      }
    }
    return 0;
  });
}

// A link between two network namespaces, because not every kernel has tc's netem.

/// A TUN device "link" in the namespace of that name of `ip netns`. The packets that are sent to it can be
/// read from the result.
int open_tun(const std::string& space) {
  const int file = checked(open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC), "the namespace");
  checked(setns(file, CLONE_NEWNET), "setns");
  close(file);
  const int tun = checked(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), "/dev/net/tun");
  ifreq request = {};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strcpy(request.ifr_name, "link");
  checked(ioctl(tun, TUNSETIFF, &request), "TUNSETIFF");
  return tun;
}

/// One direction: a queue before a line. Packets that would wait longer than kQueue are lost. Departures are
/// computed, so that the rate does not depend on when this process runs.
class Direction {
 public:
  static constexpr double kQueue = 0.1;
  Direction(int from, int to, double bits_per_second, double delay)
      : from_(from), to_(to), seconds_per_byte_(8 / bits_per_second), delay_(delay) {}

  void take_in() {
    for (;;) {
      const ssize_t size = read(from_, buffer_.data(), buffer_.size());
      if (size <= 0) return;
      const double begin = std::max(now(), free_);
      if (begin - now() > kQueue) continue;
      free_ = begin + seconds_per_byte_ * static_cast<double>(size);
      packets_.push_back({free_ + delay_, {buffer_.begin(), buffer_.begin() + size}});
    }
  }
  void give_out() {
    for (; !packets_.empty() && packets_.front().due <= now(); packets_.pop_front()) {
      const auto& bytes = packets_.front().bytes;
      // One that finds no room is lost, as on any link.
      [[maybe_unused]] const ssize_t written = write(to_, bytes.data(), bytes.size());
    }
  }
  /// When give_out() has something to do.
  [[nodiscard]] double due() const { return packets_.empty() ? now() + 1 : packets_.front().due; }

 private:
  struct Packet {
    double due = 0;
    std::vector<std::uint8_t> bytes;
  };
  int from_;
  int to_;
  double seconds_per_byte_;
  double delay_;
  double free_ = 0;  // when the line has sent all packets
  std::deque<Packet> packets_;
  std::array<std::uint8_t, 1 << 16> buffer_ = {};
};

/// `delay`: seconds each way. Runs until it is killed.
[[noreturn]] void run_link(const std::string& left, const std::string& right, double bits_per_second,
                           double delay) {
  const int ends[] = {open_tun(left), open_tun(right)};
  prctl(PR_SET_TIMERSLACK, 1);  // nanosecond
  Direction there(ends[0], ends[1], bits_per_second, delay), back(ends[1], ends[0], bits_per_second, delay);
  say("open");
  for (;;) {
    const double wait = std::max(0.0, std::min(there.due(), back.due()) - now());
    timespec timeout = {};
    timeout.tv_sec = static_cast<time_t>(wait);
    timeout.tv_nsec = static_cast<long>(1e9 * (wait - static_cast<double>(timeout.tv_sec)));
    pollfd polled[] = {{ends[0], POLLIN, 0}, {ends[1], POLLIN, 0}};
    ppoll(polled, 2, &timeout, nullptr);
    for (Direction* direction : {&there, &back}) {
      direction->take_in();
      direction->give_out();
    }
  }
}

constexpr const char* kUsage =
    "laconic_sites_bench loopback|link FOLDER HOST : a server that measures a site and a plain stream\n"
    "laconic_sites_bench idle FOLDER SITES : a server that measures its memory\n"
    "laconic_sites_bench watch FOLDER HOST SITES PATIENCE : a server that says when sites are lost\n"
    "laconic_sites_bench join FOLDER/NAME HOST:PORT : a site\n"
    "laconic_sites_bench join-plain FOLDER/NAME HOST:PORT : the other end of a plain stream\n"
    "laconic_sites_bench line NAMESPACE NAMESPACE BITS_PER_SECOND SECONDS : a link\n";

int run(const std::vector<std::string>& words) {
  const auto is = [&](const char* verb, std::size_t count) {
    return words.size() == count && words[0] == verb;
  };
  if (is("loopback", 3)) {
    serve_both(words[1], words[2], measure_loopback);
  } else if (is("link", 3)) {
    serve_both(words[1], words[2], measure_link);
  } else if (is("idle", 3)) {
    serve_idle(words[1], std::stoul(words[2]));
  } else if (is("watch", 5)) {
    serve_watch(words[1], words[2], std::stoul(words[3]), std::stod(words[4]));
  } else if (is("join", 3)) {
    join(words[1], words[2]);
  } else if (is("join-plain", 3)) {
    join_plain(words[1], words[2]);
  } else if (is("line", 5)) {
    run_link(words[1], words[2], std::stod(words[3]), std::stod(words[4]));
  } else {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace laconic

int main(int argc, char** argv) {
  try {
    return laconic::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "laconic_sites_bench: {}\n", error.what());
    return 1;
  }
}
