// SPDX-License-Identifier: Apache-2.0
// Objects of OpenSSL's libcrypto with an owner, and their PEM files.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace laconic::openssl {

template <auto release>
struct ReleasedBy {
  void operator()(auto* object) const { release(object); }
};
using Bio = std::unique_ptr<BIO, ReleasedBy<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, ReleasedBy<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, ReleasedBy<EVP_PKEY_free>>;
using RevocationList = std::unique_ptr<X509_CRL, ReleasedBy<X509_CRL_free>>;

/// Empties the thread's queue of OpenSSL's errors at its end: other users of the thread, such as gRPC, must
/// not find them.
class CleanErrors {
 public:
  CleanErrors() { ERR_clear_error(); }
  ~CleanErrors() { ERR_clear_error(); }
  CleanErrors(const CleanErrors&) = delete;
  CleanErrors& operator=(const CleanErrors&) = delete;
};

/// Throws RunError with the newest of OpenSSL's errors, as where there is no memory.
[[noreturn]] void fail();
/// The object; fail() if it is null.
template <class T>
T* made(T* object) {
  if (object == nullptr) fail();
  return object;
}
/// fail() if a function did not return a positive number.
inline void done(int result) {
  if (result <= 0) fail();
}

/// The certificates of a PEM text in their order; what stands between them does not count. Empty if one of
/// them cannot be read, or if the text has above kLongestPem bytes.
std::optional<std::vector<Certificate>> certificates_in(const std::string& pem);
/// The same for revocation lists.
std::optional<std::vector<RevocationList>> revocation_lists_in(const std::string& pem);
constexpr std::size_t kLongestPem = std::size_t{1} << 20;

/// A file and what it holds.
struct CertificatesFile {
  std::string pem;
  std::vector<Certificate> certificates;  // at least one
};
struct KeyFile {
  std::string pem;
  PrivateKey key;
};
struct RevocationFile {
  std::string pem;
  std::vector<RevocationList> lists;  // at least one
};
/// They throw InputError, "PATH: ...", if the file cannot be read or does not hold that. read_key() also does
/// if others than the owner of the file have a right to it, or if the key needs a pass phrase.
CertificatesFile read_certificates(const std::string& path);
KeyFile read_key(const std::string& path);
RevocationFile read_revocation_lists(const std::string& path);

/// 2026-12-02 13:25:01 UTC
std::string text_of(const ASN1_TIME* time);

}  // namespace laconic::openssl
