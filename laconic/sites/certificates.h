// SPDX-License-Identifier: Apache-2.0
// Who is who: the certificates of the server and of the sites.
//
// A certificate authority (CA) signs a certificate for the server and for each site. A site's name is its
// certificate's, never what it says. TLS (gRPC) proves that a peer has the private key of the certificate
// that it shows; the code here decides which certificates count.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct x509_store_st;  // OpenSSL's X509_STORE

namespace laconic {

/// PEM texts.
struct TlsFiles {
  std::string ca;                  // the roots that are trusted, at least one; CAs below them may follow
  std::string certificate;         // one's own first, then those between it and the CA's, if there are any
  std::string key;                 // of one's own certificate
  std::optional<std::string> crl;  // which certificates are revoked
};

/// Reads ca.pem, cert.pem, key.pem and, if it is there, crl.pem. Throws InputError, "FILE: ...", if a file is
/// missing or does not hold what it should; if others than the owner of key.pem have a right to it; if
/// key.pem is not the key of cert.pem; if cert.pem is not signed by the CA, has expired or is not valid yet;
/// if a list in crl.pem is not signed by a certificate of ca.pem, or is outdated.
TlsFiles read_tls(const std::string& folder);

/// What the server requires of the certificate of a site. Thread-safe. Copies share what they hold.
class Trust {
 public:
  /// Uses `ca` and `crl`, as read_tls() has checked them. Throws InputError if one of them cannot be read.
  explicit Trust(const TlsFiles& own);

  /// Exactly one of the two is empty.
  struct Verdict {
    std::string name;     // of the site
    std::string refusal;  // a sentence about its certificate
  };
  /// `chain` is the PEM text of the certificates that the peer showed, its own first, then those between it
  /// and the CA's; empty if it showed none. These are required:
  ///   the CA has signed it, by any number of CAs between; keys and signatures have 112 bits of security
  ///     (RSA of 2048 bits, no SHA-1);
  ///   all of them are valid now;
  ///   it is for TLS clients, if it says what it is for (extendedKeyUsage);
  ///   if there is a CRL: there is a present list of each CA in the chain, and none has a certificate of it;
  ///   its subject has exactly one CN, which is_name() (site_name.h) and is not "server". The CN is the name.
  /// Cost: some signatures, under a millisecond; `chain` may be anything.
  [[nodiscard]] Verdict judge(const std::string& chain) const;

 private:
  std::shared_ptr<x509_store_st> store_;
};

/// Makes a CA for tests in folder/ca (cert.pem, key.pem), and a folder for each name with ca.pem, cert.pem
/// and key.pem, valid for ten years. The name is the CN of its certificate. The one of `server` is for TLS
/// servers, also as localhost and 127.0.0.1; the others are for TLS clients. "server" is added if it is not
/// named and not there. A CA that is there signs the new ones, so that names can be added later. Returns the
/// names that were made. Anyone with ca/key.pem can make any name: it must stay with its owner. A CA that
/// protects anything of value keeps its key on a machine without a network, or in hardware.
///
/// Never changes a file that exists. Throws InputError, before it makes anything, for a name that is_name()
/// refuses, that is there already or is named twice, and for "ca"; RunError if a file cannot be written.
std::vector<std::string> make_certificates(const std::string& folder, const std::vector<std::string>& names);

/// Adds the certificate folder/NAME/cert.pem to folder/server/crl.pem, and makes this list if there is none.
/// The list is valid for a year from now. A certificate that is in it stays in it, so that a second call
/// prolongs the list. Returns when the list ends. Throws InputError if a file is missing, or if the CA in
/// folder/ca has not signed it; RunError if the list cannot be written.
std::string revoke_certificate(const std::string& folder, const std::string& name);

}  // namespace laconic
