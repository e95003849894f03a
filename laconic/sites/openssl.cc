// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/openssl.h"

#include <ctime>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"

namespace laconic::openssl {
namespace {

/// In place of OpenSSL's question on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

Bio reader_of(const std::string& pem) {
  return Bio(made(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
}

template <class Owner, auto read>
std::optional<std::vector<Owner>> all_in(const std::string& pem) {
  if (pem.size() > kLongestPem) return std::nullopt;
  const CleanErrors clean;
  const Bio reader = reader_of(pem);
  std::vector<Owner> objects;
  while (auto* object = read(reader.get(), nullptr, no_pass_phrase, nullptr)) objects.emplace_back(object);
  const unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE) return objects;
  return std::nullopt;
}

/// The objects in the content of a file, at least one.
template <class Owner, auto read>
std::vector<Owner> all_in_file(const std::string& path, const std::string& pem, const char* what) {
  std::optional<std::vector<Owner>> objects = all_in<Owner, read>(pem);
  if (objects && !objects->empty()) return std::move(*objects);
  throw InputError(fmt::format("{}: {}; need a PEM file that begins with -----BEGIN {}-----", path,
                               objects ? "has none" : "cannot be understood", what));
}

std::string read_pem(const std::string& path) {
  std::string pem = read_whole(path, kLongestPem + 1);
  if (pem.size() > kLongestPem)
    throw InputError(fmt::format("{}: has more than {} bytes; need a PEM file", path, kLongestPem));
  return pem;
}

}  // namespace

void fail() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  const std::string text = reason != nullptr ? reason : "no reason is known";
  ERR_clear_error();
  throw RunError(fmt::format("OpenSSL failed: {}", text));
}

std::optional<std::vector<Certificate>> certificates_in(const std::string& pem) {
  return all_in<Certificate, PEM_read_bio_X509>(pem);
}

std::optional<std::vector<RevocationList>> revocation_lists_in(const std::string& pem) {
  return all_in<RevocationList, PEM_read_bio_X509_CRL>(pem);
}

CertificatesFile read_certificates(const std::string& path) {
  std::string pem = read_pem(path);
  auto certificates = all_in_file<Certificate, PEM_read_bio_X509>(path, pem, "CERTIFICATE");
  return {std::move(pem), std::move(certificates)};
}

RevocationFile read_revocation_lists(const std::string& path) {
  std::string pem = read_pem(path);
  auto lists = all_in_file<RevocationList, PEM_read_bio_X509_CRL>(path, pem, "X509 CRL");
  return {std::move(pem), std::move(lists)};
}

KeyFile read_key(const std::string& path) {
  std::string pem = read_pem(path);
  struct stat status {};
  if (stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw InputError(
        fmt::format("{}: has the mode {:03o}, so that others than its owner can use the key; "
                    "need chmod 600",
                    path, status.st_mode & 0777));
  }
  const CleanErrors clean;
  PrivateKey key(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, no_pass_phrase, nullptr));
  if (key) return {std::move(pem), std::move(key)};
  if (pem.find("ENCRYPTED") != std::string::npos)
    throw InputError(fmt::format("{}: the key needs a pass phrase; need a key without one", path));
  throw InputError(
      fmt::format("{}: has no key; need a PEM file that begins with -----BEGIN PRIVATE KEY-----", path));
}

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "a time that cannot be read";
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", parts);
}

}  // namespace laconic::openssl
