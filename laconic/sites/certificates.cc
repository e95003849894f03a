// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/certificates.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "laconic/core/error.h"
#include "laconic/sites/openssl.h"
#include "laconic/sites/site_name.h"

namespace laconic {
namespace {

using openssl::Certificate;
using openssl::CleanErrors;
using openssl::done;
using openssl::made;
using openssl::RevocationList;
using openssl::text_of;
using VerifyContext = std::unique_ptr<X509_STORE_CTX, openssl::ReleasedBy<X509_STORE_CTX_free>>;
struct ReleaseStack {  // the certificates have owners elsewhere
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using CertificateStack = std::unique_ptr<STACK_OF(X509), ReleaseStack>;
struct ReleaseBytes {
  void operator()(void* bytes) const { OPENSSL_free(bytes); }
};

constexpr int kBitsLevel = 2;  // of OpenSSL: 112 bits of security
constexpr int kAnyPurpose = 0;
constexpr std::size_t kLongestChain = 100000;  // in bytes

/// With lists, each certificate of a chain is looked up in the list of its CA.
std::shared_ptr<X509_STORE> store_of(const std::vector<Certificate>& trusted,
                                     const std::vector<RevocationList>& lists) {
  std::shared_ptr<X509_STORE> store(made(X509_STORE_new()), X509_STORE_free);
  for (const Certificate& certificate : trusted) done(X509_STORE_add_cert(store.get(), certificate.get()));
  for (const RevocationList& list : lists) done(X509_STORE_add_crl(store.get(), list.get()));
  if (!lists.empty())
    done(X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL));
  return store;
}

/// The verb of a sentence about the certificate, or about one above it, where X509_verify_cert() ended.
std::string fault_in(X509_STORE_CTX* context) {
  const int code = X509_STORE_CTX_get_error(context);
  const X509* at = X509_STORE_CTX_get_current_cert(context);
  switch (code) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "is not signed by this CA";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("has expired (on {})", text_of(X509_get0_notAfter(at)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("is not valid yet (before {})", text_of(X509_get0_notBefore(at)));
    case X509_V_ERR_CERT_REVOKED:
      return "is revoked";
    case X509_V_ERR_INVALID_PURPOSE:
      return "is not for TLS clients";
    case X509_V_ERR_INVALID_CA:
      return "is not that of a CA";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return "has a key or a signature that is too weak";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return "cannot be checked: the server's crl.pem has no list of the CA that signed it";
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return "cannot be checked: the server's crl.pem is outdated";
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return "cannot be checked: the server's crl.pem is not valid yet";
    default:
      return fmt::format("is not valid: {}", X509_verify_cert_error_string(code));
  }
}

struct ChainFault {
  bool is_above = false;  // the certificate is that of a CA above the first
  std::string text;       // the verb of a sentence
};
/// What is wrong with the first certificate of the chain, if anything is. The others may be its CAs.
/// `purpose` is OpenSSL's.
std::optional<ChainFault> fault_of(X509_STORE* store, const std::vector<Certificate>& chain, int purpose) {
  const CleanErrors clean;
  const CertificateStack others(made(sk_X509_new_null()));
  for (std::size_t i = 1; i < chain.size(); ++i) done(sk_X509_push(others.get(), chain[i].get()));
  const VerifyContext context(made(X509_STORE_CTX_new()));
  done(X509_STORE_CTX_init(context.get(), store, chain[0].get(), others.get()));
  if (purpose != kAnyPurpose) done(X509_STORE_CTX_set_purpose(context.get(), purpose));
  X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context.get()), kBitsLevel);
  if (X509_verify_cert(context.get()) == 1) return std::nullopt;
  return ChainFault{X509_STORE_CTX_get_error_depth(context.get()) > 0, fault_in(context.get())};
}

/// The CN of the subject in UTF-8; empty if it has none or several.
std::string common_name_of(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return "";
  unsigned char* bytes = nullptr;
  const int length = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  const std::unique_ptr<unsigned char, ReleaseBytes> owner(bytes);
  return length > 0 ? std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length))
                    : "";
}

/// "name site1, serial 3F", as far as the certificate has them in a form to print.
std::string identity_of(const X509* certificate) {
  constexpr int kLongestSerial = 20;  // as RFC 5280 limits it, in bytes
  const std::string name = common_name_of(certificate);
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  std::string text = is_name(name) ? "name " + name : "without a valid name";
  if (ASN1_STRING_length(serial) > kLongestSerial) return text;
  text += ", serial ";
  for (int i = 0; i < ASN1_STRING_length(serial); ++i)
    text += fmt::format("{:02X}", ASN1_STRING_get0_data(serial)[i]);
  return text;
}

/// Why the certificate names no site; empty if its CN does.
std::string fault_of_name(const std::string& name) {
  if (name.empty()) return "has not exactly one CN in its subject, which is to be the site's name";
  if (name == kServerName) return "is the server's, and not that of a site";
  if (!is_name(name)) return fmt::format("has a CN that is no name of a site: {}", kNameRule);
  return "";
}

/// Throws InputError if a list is not signed by one of the CAs, or is outdated.
void check_lists(const std::string& path, const std::vector<RevocationList>& lists,
                 const std::vector<Certificate>& authorities) {
  const CleanErrors clean;
  for (const RevocationList& list : lists) {
    const bool is_signed =
        std::any_of(authorities.begin(), authorities.end(), [&](const Certificate& authority) {
          return X509_NAME_cmp(X509_CRL_get_issuer(list.get()), X509_get_subject_name(authority.get())) ==
                     0 &&
                 X509_CRL_verify(list.get(), X509_get0_pubkey(authority.get())) == 1;
        });
    if (!is_signed) throw InputError(fmt::format("{}: is not signed by a certificate of ca.pem", path));
    const ASN1_TIME* end = X509_CRL_get0_nextUpdate(list.get());
    if (end != nullptr && X509_cmp_current_time(end) < 0) {
      throw InputError(fmt::format(
          "{}: is outdated since {}, so that no site can be checked; need a new list", path, text_of(end)));
    }
  }
}

}  // namespace

TlsFiles read_tls(const std::string& folder) {
  const std::string ca_path = folder + "/ca.pem", certificate_path = folder + "/cert.pem",
                    key_path = folder + "/key.pem", crl_path = folder + "/crl.pem";
  openssl::CertificatesFile ca = openssl::read_certificates(ca_path);
  openssl::CertificatesFile own = openssl::read_certificates(certificate_path);
  openssl::KeyFile key = openssl::read_key(key_path);
  const CleanErrors clean;
  if (X509_check_private_key(own.certificates[0].get(), key.key.get()) != 1)
    throw InputError(fmt::format("{}: is not the key of {}", key_path, certificate_path));
  const auto fault = fault_of(store_of(ca.certificates, {}).get(), own.certificates, kAnyPurpose);
  if (fault) {
    throw InputError(fmt::format("{}: {}{}; need a valid certificate of the CA in {}", certificate_path,
                                 fault->is_above ? "a certificate above it " : "", fault->text, ca_path));
  }
  TlsFiles files = {std::move(ca.pem), std::move(own.pem), std::move(key.pem), {}};
  std::error_code none;
  if (std::filesystem::exists(std::filesystem::symlink_status(crl_path, none))) {
    openssl::RevocationFile crl = openssl::read_revocation_lists(crl_path);
    check_lists(crl_path, crl.lists, ca.certificates);
    files.crl = std::move(crl.pem);
  }
  return files;
}

Trust::Trust(const TlsFiles& own) {
  const CleanErrors clean;
  const auto trusted = openssl::certificates_in(own.ca);
  const auto lists = openssl::revocation_lists_in(own.crl.value_or(""));
  if (!trusted || trusted->empty()) throw InputError("the text of the CA has no certificate");
  if (!lists || (own.crl && lists->empty())) throw InputError("the text of the CRL has no list");
  store_ = store_of(*trusted, *lists);
}

Trust::Verdict Trust::judge(const std::string& chain) const {
  const CleanErrors clean;
  if (chain.empty()) return {"", "it shows no certificate"};
  if (chain.size() > kLongestChain)
    return {"",
            fmt::format("its certificates have {} bytes; at most {} are read", chain.size(), kLongestChain)};
  const auto certificates = openssl::certificates_in(chain);
  if (!certificates || certificates->empty()) return {"", "its certificate cannot be read"};
  const X509* own = certificates->front().get();
  const auto refusal = [&](const char* subject, const std::string& fault) {
    return Verdict{"", fmt::format("{} {}; {}", subject, fault, identity_of(own))};
  };
  const auto fault = fault_of(store_.get(), *certificates, X509_PURPOSE_SSL_CLIENT);
  if (fault) return refusal(fault->is_above ? "a certificate above its own" : "its certificate", fault->text);
  std::string name = common_name_of(own);
  const std::string fault_of_this = fault_of_name(name);
  if (!fault_of_this.empty()) return refusal("its certificate", fault_of_this);
  return {std::move(name), ""};
}

}  // namespace laconic
