// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/failure.h"

#include <cstddef>
#include <exception>
#include <filesystem>
#include <new>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/core/error.h"

namespace laconic {
namespace {

/// The text on one line, without control characters that a terminal would interpret, and shortened if it is
/// long.
std::string one_line(const std::string& text) {
  constexpr std::size_t kMost = 2000;  // bytes
  constexpr std::size_t kKept = 800;   // at each end
  const bool is_clean = is_utf8(text);
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (byte < ' ' || byte == 0x7f || (byte > 0x7f && !is_clean)) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  if (line.size() <= kMost) return line;
  const auto whole = [&](std::size_t at) {  // not inside a multi-byte character
    while ((static_cast<unsigned char>(line[at]) & 0xc0U) == 0x80) ++at;
    return at;
  };
  const std::size_t head = whole(kKept);
  const std::size_t tail = whole(line.size() - kKept);
  return fmt::format("{} ... {} bytes left out ... {}", line.substr(0, head), tail - head, line.substr(tail));
}

}  // namespace

bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

Failure failure_in_flight() {
  const auto wrong = [](const std::string& message) {
    return Failure{Failure::Kind::input, one_line(message)};
  };
  const auto failed = [](const std::string& message) {
    return Failure{Failure::Kind::run, one_line(message)};
  };
  constexpr const char* kTooLarge =
      "not enough memory: the description or its data ask for more than this machine has";
  try {
    throw;
  } catch (const SharedFailure& failure) {
    return {failure.kind(), one_line(failure.what())};
  } catch (const Interrupted& interrupted) {
    return {interrupted.request() == Request::interrupt ? Failure::Kind::interrupt : Failure::Kind::terminate,
            one_line(interrupted.what())};
  } catch (const InputError& error) {
    return wrong(error.what());
  } catch (const RunError& error) {
    return failed(error.what());
  } catch (const std::bad_alloc&) {
    return wrong(kTooLarge);
  } catch (const std::length_error&) {  // a vector longer than any memory
    return wrong(kTooLarge);
  } catch (const std::filesystem::filesystem_error& error) {
    return failed(fmt::format("{}: {}", error.path1().string(), error.code().message()));
  } catch (const std::system_error& error) {
    return failed(fmt::format("the system refuses what the run needs: {}", error.code().message()));
  } catch (const std::exception& error) {
    return failed(fmt::format("a fault in laconic itself, please report it: {}", error.what()));
  } catch (...) {
    return failed("a fault in laconic itself, please report it");
  }
}

}  // namespace laconic
