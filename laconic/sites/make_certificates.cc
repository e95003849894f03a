// SPDX-License-Identifier: Apache-2.0
// A CA for tests, with the means of OpenSSL's libcrypto.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "laconic/core/error.h"
#include "laconic/report/file.h"
#include "laconic/sites/certificates.h"
#include "laconic/sites/openssl.h"
#include "laconic/sites/site_name.h"

namespace laconic {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::done;
using openssl::made;
using openssl::PrivateKey;
using openssl::RevocationList;
using Number = std::unique_ptr<BIGNUM, openssl::ReleasedBy<BN_free>>;
using Integer = std::unique_ptr<ASN1_INTEGER, openssl::ReleasedBy<ASN1_INTEGER_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, openssl::ReleasedBy<X509_EXTENSION_free>>;
using Time = std::unique_ptr<ASN1_TIME, openssl::ReleasedBy<ASN1_TIME_free>>;
using Revoked = std::unique_ptr<X509_REVOKED, openssl::ReleasedBy<X509_REVOKED_free>>;

constexpr const char* kCa = "ca";  // the folder of the CA
constexpr int kDays = 3652;        // ten years, for which a certificate is valid
constexpr int kDaysOfList = 365;
constexpr long kClockError = -86400;  // s; it begins a day ago, as the clocks of other machines may be behind

/// A random whole number below 2^128.
Number random_number() {
  Number number(made(BN_new()));
  done(BN_rand(number.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY));
  return number;
}

struct Authority {
  Certificate certificate;
  PrivateKey key;
};

PrivateKey new_key() { return PrivateKey(made(EVP_EC_gen("P-256"))); }

using Extensions = std::vector<std::pair<int, std::string>>;  // OpenSSL's number, and its text
/// A certificate of this key with a CN, signed by the authority, or by the key itself if there is none.
Certificate new_certificate(const std::string& common_name, EVP_PKEY* key, const Authority* authority,
                            const Extensions& extensions) {
  Certificate made_one(made(X509_new()));
  X509* certificate = made_one.get();
  done(X509_set_version(certificate, X509_VERSION_3));
  done(BN_to_ASN1_INTEGER(random_number().get(), X509_get_serialNumber(certificate)) != nullptr ? 1 : 0);
  made(X509_gmtime_adj(X509_getm_notBefore(certificate), kClockError));
  made(X509_time_adj_ex(X509_getm_notAfter(certificate), kDays, 0, nullptr));
  done(X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(common_name.data()),
                                  static_cast<int>(common_name.size()), -1, 0));
  X509* issuer = authority != nullptr ? authority->certificate.get() : certificate;
  done(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)));
  done(X509_set_pubkey(certificate, key));
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  for (const auto& [number, text] : extensions) {
    const Extension extension(made(X509V3_EXT_conf_nid(nullptr, &context, number, text.c_str())));
    done(X509_add_ext(certificate, extension.get(), -1));
  }
  done(X509_sign(certificate, authority != nullptr ? authority->key.get() : key, EVP_sha256()));
  return made_one;
}

Authority new_authority() {
  PrivateKey key = new_key();
  const std::unique_ptr<char, decltype([](char* text) { OPENSSL_free(text); })> random(
      made(BN_bn2hex(random_number().get())));
  // A random part tells one test CA from another.
  Certificate certificate =
      new_certificate(fmt::format("laconic test CA {:.8}", random.get()), key.get(), nullptr,
                      {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                       {NID_key_usage, "critical,keyCertSign,cRLSign"},
                       {NID_subject_key_identifier, "hash"}});
  return {std::move(certificate), std::move(key)};
}

Certificate certificate_of(const std::string& name, EVP_PKEY* key, const Authority& authority) {
  const bool is_server = name == kServerName;
  return new_certificate(
      name, key, &authority,
      {{NID_basic_constraints, "critical,CA:FALSE"},
       {NID_key_usage, "critical,digitalSignature"},
       {NID_ext_key_usage, is_server ? "serverAuth" : "clientAuth"},
       {NID_subject_alt_name, "DNS:" + name + (is_server ? ",DNS:localhost,IP:127.0.0.1" : "")},
       {NID_subject_key_identifier, "hash"},
       {NID_authority_key_identifier, "keyid"}});
}

/// What `write` writes as PEM.
template <class Write>
std::string pem_by(Write write) {
  const Bio memory(made(BIO_new(BIO_s_mem())));
  done(write(memory.get()));
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(length)};
}
std::string pem_of(const X509* certificate) {
  return pem_by([&](BIO* to) { return PEM_write_bio_X509(to, certificate); });
}
std::string pem_of(const EVP_PKEY* key) {
  return pem_by(
      [&](BIO* to) { return PEM_write_bio_PKCS8PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr); });
}
std::string pem_of(const X509_CRL* list) {
  return pem_by([&](BIO* to) { return PEM_write_bio_X509_CRL(to, list); });
}

struct NewFile {
  const char* name;
  std::string content;
  mode_t mode = 0644;  // from the moment the file exists
};

void write_new(const std::string& path, const NewFile& file) {
  const int handle = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file.mode);
  bool is_written = handle >= 0;
  for (std::size_t at = 0; is_written && at < file.content.size();) {
    const ssize_t count = write(handle, file.content.data() + at, file.content.size() - at);
    is_written = count > 0;
    at += is_written ? static_cast<std::size_t>(count) : 0;
  }
  const int reason = errno;
  const bool is_closed = handle < 0 || close(handle) == 0;
  if (!is_written || !is_closed) {
    throw RunError(fmt::format("{}: cannot write: {}", path, std::strerror(is_written ? errno : reason)));
  }
}

/// Makes the folder, with these files or not at all.
void write_folder(const std::string& folder, const std::vector<NewFile>& files) {
  std::error_code error;
  if (!std::filesystem::create_directory(folder, error)) {
    throw RunError(
        fmt::format("{}: cannot make this folder: {}", folder, error ? error.message() : "it exists"));
  }
  try {
    for (const NewFile& file : files) write_new(folder + "/" + file.name, file);
  } catch (...) {
    std::filesystem::remove_all(folder, error);
    throw;
  }
}

bool exists(const std::string& path) {
  std::error_code none;
  return std::filesystem::exists(std::filesystem::symlink_status(path, none));
}

Authority read_authority(const std::string& folder) {
  const std::string certificate_path = fmt::format("{}/{}/cert.pem", folder, kCa),
                    key_path = fmt::format("{}/{}/key.pem", folder, kCa);
  openssl::CertificatesFile file = openssl::read_certificates(certificate_path);
  openssl::KeyFile key = openssl::read_key(key_path);
  if (X509_check_private_key(file.certificates[0].get(), key.key.get()) != 1)
    throw InputError(fmt::format("{}: is not the key of {}", key_path, certificate_path));
  return {std::move(file.certificates[0]), std::move(key.key)};
}

void require_new_names(const std::string& folder, const std::vector<std::string>& names) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (!is_name(*name)) throw InputError(fmt::format("\"{}\" is no name; {}", *name, kNameRule));
    if (*name == kCa) throw InputError("\"ca\" is the folder of the CA; need another name");
    if (std::find(names.begin(), name, *name) != name)
      throw InputError(fmt::format("{} is named twice; need each name once", *name));
    const std::string path = folder + "/" + *name;
    if (exists(path)) {
      throw InputError(
          fmt::format("{}: exists already; need a name that is new, or remove this folder for a "
                      "new certificate",
                      path));
    }
  }
}

/// The list in the file; a new one if there is no file.
RevocationList list_in(const std::string& path, const Authority& authority) {
  if (!exists(path)) {
    RevocationList list(made(X509_CRL_new()));
    done(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2));
    done(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority.certificate.get())));
    return list;
  }
  RevocationList list = std::move(openssl::read_revocation_lists(path).lists[0]);
  if (X509_CRL_verify(list.get(), authority.key.get()) != 1)
    throw InputError(fmt::format("{}: is not a list of the CA in {}", path, kCa));
  return list;
}

void add_to(X509_CRL* list, X509* certificate) {
  X509_REVOKED* found = nullptr;
  if (X509_CRL_get0_by_serial(list, &found, X509_get_serialNumber(certificate)) != 0) return;
  Revoked revoked(made(X509_REVOKED_new()));
  const Time now(made(X509_gmtime_adj(nullptr, 0)));
  done(X509_REVOKED_set_serialNumber(revoked.get(), X509_get_serialNumber(certificate)));
  done(X509_REVOKED_set_revocationDate(revoked.get(), now.get()));
  done(X509_CRL_add0_revoked(list, revoked.get()));
  (void)revoked.release();  // the list owns it
}

/// Gives the list the next number and a year from now, and signs it.
void renew(X509_CRL* list, const Authority& authority) {
  Integer number(static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list, NID_crl_number, nullptr, nullptr)));
  if (!number) number.reset(made(ASN1_INTEGER_new()));
  const Number next(made(ASN1_INTEGER_to_BN(number.get(), nullptr)));
  done(BN_add_word(next.get(), 1));
  made(BN_to_ASN1_INTEGER(next.get(), number.get()));
  done(X509_CRL_add1_ext_i2d(list, NID_crl_number, number.get(), 0, X509V3_ADD_REPLACE));
  const Time begin(made(X509_gmtime_adj(nullptr, kClockError)));
  const Time end(made(X509_time_adj_ex(nullptr, kDaysOfList, 0, nullptr)));
  done(X509_CRL_set1_lastUpdate(list, begin.get()));
  done(X509_CRL_set1_nextUpdate(list, end.get()));
  done(X509_CRL_sort(list));
  done(X509_CRL_sign(list, authority.key.get(), EVP_sha256()));
}

}  // namespace

std::vector<std::string> make_certificates(const std::string& folder, const std::vector<std::string>& names) {
  const openssl::CleanErrors clean;
  std::vector<std::string> wanted = names;
  const std::string server(kServerName);
  if (std::find(names.begin(), names.end(), server) == names.end() && !exists(folder + "/" + server))
    wanted.insert(wanted.begin(), server);
  require_new_names(folder, wanted);
  const std::string ca_folder = folder + "/" + kCa;
  const bool has_ca = exists(ca_folder);
  const Authority authority = has_ca ? read_authority(folder) : new_authority();
  const std::string ca = pem_of(authority.certificate.get());
  NewFolders made_above(folder);
  if (!has_ca) write_folder(ca_folder, {{"cert.pem", ca}, {"key.pem", pem_of(authority.key.get()), 0600}});
  for (const std::string& name : wanted) {
    const PrivateKey key = new_key();
    const Certificate certificate = certificate_of(name, key.get(), authority);
    write_folder(
        fmt::format("{}/{}", folder, name),
        {{"ca.pem", ca}, {"cert.pem", pem_of(certificate.get())}, {"key.pem", pem_of(key.get()), 0600}});
  }
  made_above.keep();
  return wanted;
}

std::string revoke_certificate(const std::string& folder, const std::string& name) {
  const openssl::CleanErrors clean;
  if (!is_name(name)) throw InputError(fmt::format("\"{}\" is no name; {}", name, kNameRule));
  if (name == kServerName || name == kCa)
    throw InputError(fmt::format("revoke={}: only the server reads the list; need the name of a site", name));
  const Authority authority = read_authority(folder);
  const std::string path = fmt::format("{}/{}/cert.pem", folder, name);
  const openssl::CertificatesFile file = openssl::read_certificates(path);
  X509* certificate = file.certificates[0].get();
  if (X509_verify(certificate, authority.key.get()) != 1)
    throw InputError(fmt::format("{}: is not signed by the CA in {}/{}", path, folder, kCa));
  const std::string list_path = fmt::format("{}/{}/crl.pem", folder, kServerName);
  const RevocationList list = list_in(list_path, authority);
  add_to(list.get(), certificate);
  renew(list.get(), authority);
  write_whole(list_path, pem_of(list.get()));
  return openssl::text_of(X509_CRL_get0_nextUpdate(list.get()));
}

}  // namespace laconic
