// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/certificates.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "laconic/core/error.h"
#include "laconic/sites/openssl.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr long kDay = 86400;  // s

std::string file_content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_TRUE(file) << path;
  return content.str();
}

/// Whether the program openssl succeeds with these arguments in the folder.
bool openssl_takes(const TemporaryFolder& folder, const std::string& arguments) {
  const std::string command = "cd '" + folder.path() + "' && openssl " + arguments + " >said 2>&1 </dev/null";
  return std::system(command.c_str()) == 0;
}
void run_openssl(const TemporaryFolder& folder, const std::string& arguments) {
  EXPECT_TRUE(openssl_takes(folder, arguments)) << arguments << "\n" << file_content(folder.path("said"));
}

/// A certificate for a new key, signed by CA/cert.pem with CA/key.pem, as PEM.
struct Wish {
  std::string subject;
  std::string extensions = "extendedKeyUsage=clientAuth\n";
  std::string key = "ec -pkeyopt ec_paramgen_curve:P-256";
  std::string ca = "ca";
  std::string to = "made";  // the files made.key and made.pem
};
std::string signed_by_openssl(const TemporaryFolder& folder, const Wish& wish) {
  folder.write("extensions", wish.extensions);
  run_openssl(folder, "req -new -nodes -newkey " + wish.key + " -keyout " + wish.to +
                          ".key -out request -subj '" + wish.subject + "'");
  run_openssl(folder, "x509 -req -in request -days 10 -extfile extensions -CA " + wish.ca +
                          "/cert.pem -CAkey " + wish.ca + "/key.pem -set_serial 77 -out " + wish.to + ".pem");
  return file_content(folder.path(wish.to + ".pem"));
}

/// A CA of openssl in the folder.
void make_ca_by_openssl(const TemporaryFolder& folder, const std::string& name) {
  std::filesystem::create_directory(folder.path(name));
  run_openssl(folder, "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout " + name +
                          "/key.pem -out " + name + "/cert.pem -days 10 -subj '/CN=" + name + "'");
}

template <class Write>
std::string written_as_pem(Write write) {
  const openssl::Bio memory(BIO_new(BIO_s_mem()));
  EXPECT_EQ(write(memory.get()), 1);
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(length)};
}

/// The certificate of a name after a change, and signed again by the test CA.
std::string changed(const TemporaryFolder& folder, const std::string& name,
                    const std::function<void(X509*)>& change) {
  const auto file = openssl::read_certificates(folder.path(name + "/cert.pem"));
  X509* certificate = file.certificates[0].get();
  change(certificate);
  X509_sign(certificate, openssl::read_key(folder.path("ca/key.pem")).key.get(), EVP_sha256());
  return written_as_pem([&](BIO* to) { return PEM_write_bio_X509(to, certificate); });
}
/// Valid between these seconds from now.
std::string valid_between(const TemporaryFolder& folder, const std::string& name, long begin, long end) {
  return changed(folder, name, [&](X509* certificate) {
    X509_gmtime_adj(X509_getm_notBefore(certificate), begin);
    X509_gmtime_adj(X509_getm_notAfter(certificate), end);
  });
}
/// With further names in the subject.
std::string with_common_name(const TemporaryFolder& folder, const std::string& name, bool is_only,
                             const std::string& common_name) {
  return changed(folder, name, [&](X509* certificate) {
    X509_NAME* subject = X509_get_subject_name(certificate);
    if (is_only) X509_NAME_ENTRY_free(X509_NAME_delete_entry(subject, 0));
    X509_NAME_add_entry_by_NID(subject, NID_commonName, V_ASN1_UTF8STRING,
                               reinterpret_cast<const unsigned char*>(common_name.data()),
                               static_cast<int>(common_name.size()), -1, 0);
  });
}
/// The server's list of revoked certificates, valid between these seconds from now.
std::string list_between(const TemporaryFolder& folder, long begin, long end) {
  const auto file = openssl::read_revocation_lists(folder.path("server/crl.pem"));
  X509_CRL* list = file.lists[0].get();
  ASN1_TIME* from = X509_gmtime_adj(nullptr, begin);
  ASN1_TIME* until = X509_gmtime_adj(nullptr, end);
  X509_CRL_set1_lastUpdate(list, from);
  X509_CRL_set1_nextUpdate(list, until);
  ASN1_TIME_free(from);
  ASN1_TIME_free(until);
  X509_CRL_sign(list, openssl::read_key(folder.path("ca/key.pem")).key.get(), EVP_sha256());
  return written_as_pem([&](BIO* to) { return PEM_write_bio_X509_CRL(to, list); });
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777U;
}

Trust server_of(const TemporaryFolder& folder) { return Trust(read_tls(folder.path("server"))); }

TEST(MakeCertificates, AreValidForOpenssl) {
  const TemporaryFolder folder;
  const mode_t mask = umask(0);
  EXPECT_THAT(make_certificates(folder.path("certs"), {"north", "clinic-2.b_c"}),
              ElementsAre("server", "north", "clinic-2.b_c"));
  umask(mask);
  const std::string verify = "verify -x509_strict -CAfile certs/ca/cert.pem -purpose ";
  const auto verify_as = [&](const std::string& purpose, const std::string& name) {
    return fmt::format("{}{} certs/{}/cert.pem", verify, purpose, name);
  };
  for (const std::string name : {"north", "clinic-2.b_c"}) {
    run_openssl(folder, verify_as("sslclient", name));
    EXPECT_FALSE(openssl_takes(folder, verify_as("sslserver", name))) << name;
  }
  for (const std::string host :
       {"-verify_hostname localhost", "-verify_hostname server", "-verify_ip 127.0.0.1"})
    run_openssl(folder, verify_as("sslserver " + host, "server"));
  EXPECT_FALSE(openssl_takes(folder, verify + "sslclient certs/server/cert.pem"));
  EXPECT_FALSE(openssl_takes(folder, verify + "sslserver -verify_hostname north certs/server/cert.pem"));
  for (const std::string name : {"ca", "server", "north"})
    EXPECT_EQ(mode_of(folder.path("certs/" + name + "/key.pem")), 0600U) << name;
  const TlsFiles files = read_tls(folder.path("certs/north"));
  EXPECT_EQ(files.ca, file_content(folder.path("certs/ca/cert.pem")));
  EXPECT_EQ(files.key, file_content(folder.path("certs/north/key.pem")));
  EXPECT_EQ(files.crl, std::nullopt);
  EXPECT_NO_THROW(read_tls(folder.path("certs/server")));
}

TEST(MakeCertificates, AreAddedToThoseThatAreThere) {
  const TemporaryFolder folder;
  make_certificates(folder.path(), {"north", "server"});
  const auto contents = [&] {
    std::vector<std::string> all;
    for (const std::string file :
         {"ca/cert.pem", "ca/key.pem", "server/cert.pem", "server/key.pem", "north/key.pem"})
      all.push_back(file_content(folder.path(file)));
    return all;
  };
  const auto before = contents();
  EXPECT_THAT(make_certificates(folder.path(), {"south"}), ElementsAre("south"));
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(server_of(folder).judge(read_tls(folder.path("south")).certificate).name, "south");
}

TEST(MakeCertificates, RefuseNamesBeforeTheyMakeAnything) {
  const TemporaryFolder folder;
  const auto made = [&](const std::vector<std::string>& names) {
    return error_of([&] { make_certificates(folder.path("certs"), names); });
  };
  for (const std::string name : {"", ".", "..", "../x", "a/b", "-x", "a b", "a,DNS:b", "caf\xc3\xa9"})
    EXPECT_THAT(made({"north", name}), HasSubstr("is no name; a name has 1 to 64 letters")) << name;
  EXPECT_THAT(made({"ca"}), HasSubstr("is the folder of the CA"));
  EXPECT_THAT(made({"north", "north"}), HasSubstr("named twice"));
  EXPECT_FALSE(std::filesystem::exists(folder.path("certs")));
  make_certificates(folder.path("certs"), {"north"});
  EXPECT_THAT(made({"south", "north"}), HasSubstr("certs/north: exists already"));
  EXPECT_THAT(made({"server"}), HasSubstr("certs/server: exists already"));
  EXPECT_FALSE(std::filesystem::exists(folder.path("certs/south")));
  std::filesystem::copy(folder.path("certs/north/key.pem"), folder.path("certs/ca/key.pem"),
                        std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(made({"south"}), HasSubstr("ca/key.pem: is not the key of"));
  std::filesystem::remove(folder.path("certs/ca/key.pem"));
  EXPECT_THAT(made({"south"}), HasSubstr("ca/key.pem: cannot read"));
}

TEST(MakeCertificates, NeedAFolder) {
  const TemporaryFolder folder;
  folder.write("file", "");
  EXPECT_THROW(make_certificates(folder.path("file"), {"north"}), RunError);
  EXPECT_THROW(make_certificates(folder.path("file/certs"), {"north"}), RunError);
  EXPECT_EQ(file_content(folder.path("file")), "");
}

TEST(Trust, TakesTheNameOfTheCertificate) {
  const TemporaryFolder folder;
  make_certificates(folder.path(), {"north"});
  const Trust trust = server_of(folder);
  const auto name = [&](const std::string& chain) {
    const Trust::Verdict verdict = trust.judge(chain);
    EXPECT_EQ(verdict.refusal, "");
    return verdict.name;
  };
  EXPECT_EQ(name(read_tls(folder.path("north")).certificate), "north");
  EXPECT_EQ(name("words before\n" + read_tls(folder.path("north")).certificate + "words after\n"), "north");
  EXPECT_EQ(name(signed_by_openssl(folder, {.subject = "/O=Clinic/CN=rsa", .key = "rsa:2048"})), "rsa");
  EXPECT_EQ(
      name(signed_by_openssl(folder, {.subject = "/CN=any", .extensions = "basicConstraints=CA:FALSE\n"})),
      "any")
      << "without extendedKeyUsage it is for any purpose";
}

TEST(Trust, FollowsAChain) {
  const TemporaryFolder folder;
  make_ca_by_openssl(folder, "root");
  std::filesystem::create_directory(folder.path("middle"));
  const std::string middle = signed_by_openssl(
      folder, {.subject = "/CN=middle", .extensions = "basicConstraints=critical,CA:TRUE\n", .ca = "root"});
  folder.write("middle/cert.pem", middle);
  std::filesystem::rename(folder.path("made.key"), folder.path("middle/key.pem"));
  const std::string site = signed_by_openssl(folder, {.subject = "/CN=north", .ca = "middle"});
  const Trust trust(
      {.ca = file_content(folder.path("root/cert.pem")), .certificate = {}, .key = {}, .crl = {}});
  EXPECT_EQ(trust.judge(site + middle).name, "north");
  EXPECT_THAT(trust.judge(site).refusal, StartsWith("its certificate is not signed by this CA; name north"));
  EXPECT_NE(trust.judge(middle + site).name, "north") << "the first one counts";
  // A site is no CA.
  std::filesystem::create_directory(folder.path("north"));
  folder.write("north/cert.pem", site);
  std::filesystem::rename(folder.path("made.key"), folder.path("north/key.pem"));
  const std::string forged = signed_by_openssl(folder, {.subject = "/CN=south", .ca = "north"});
  const Trust::Verdict verdict = trust.judge(forged + site + middle);
  EXPECT_EQ(verdict.name, "");
  EXPECT_THAT(verdict.refusal, HasSubstr("name south"));
}

TEST(Trust, RefusesWithTheReason) {
  const TemporaryFolder folder;
  make_certificates(folder.path(), {"north"});
  make_ca_by_openssl(folder, "other");
  const Trust trust = server_of(folder);
  const auto refusal = [&](const std::string& chain) {
    const Trust::Verdict verdict = trust.judge(chain);
    EXPECT_EQ(verdict.name, "");
    return verdict.refusal;
  };
  const std::string north = file_content(folder.path("north/cert.pem"));
  EXPECT_EQ(refusal(""), "it shows no certificate");
  EXPECT_EQ(refusal("garbage"), "its certificate cannot be read");
  EXPECT_EQ(refusal(north.substr(0, north.size() / 2)), "its certificate cannot be read");
  EXPECT_EQ(refusal(north + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "its certificate cannot be read");
  EXPECT_EQ(refusal(std::string(1 << 20, 'x')),
            "its certificates have 1048576 bytes; at most 100000 are read");
  EXPECT_EQ(refusal(std::string(99999, '\n')), "its certificate cannot be read");
  EXPECT_EQ(refusal(signed_by_openssl(folder, {.subject = "/CN=north", .ca = "other"})),
            "its certificate is not signed by this CA; name north, serial 4D");
  make_ca_by_openssl(folder, "alone");
  EXPECT_THAT(refusal(file_content(folder.path("alone/cert.pem"))),
              StartsWith("its certificate is not signed by this CA; name alone"));
  EXPECT_THAT(
      refusal(valid_between(folder, "north", -9 * kDay, -kDay)),
      ContainsRegex("^its certificate has expired [(]on 20[0-9-]{8} [0-9:]{8} UTC[)]; name north, serial "));
  EXPECT_THAT(refusal(valid_between(folder, "north", kDay, 9 * kDay)),
              StartsWith("its certificate is not valid yet (before 20"));
  EXPECT_THAT(refusal(file_content(folder.path("server/cert.pem"))),
              StartsWith("its certificate is not for TLS clients; name server"));
  EXPECT_THAT(refusal(signed_by_openssl(folder, {.subject = "/CN=weak", .key = "rsa:1024"})),
              StartsWith("its certificate has a key or a signature that is too weak; name weak"));
  EXPECT_THAT(refusal(signed_by_openssl(folder, {.subject = "/CN=server"})),
              StartsWith("its certificate is the server's, and not that of a site"));
}

TEST(Trust, RefusesSubjectsThatAreNoName) {
  const TemporaryFolder folder;
  make_certificates(folder.path(), {"north"});
  const Trust trust = server_of(folder);
  const std::string not_one =
      "its certificate has not exactly one CN in its subject, which is to be the site's "
      "name; without a valid name, serial ";
  EXPECT_THAT(trust.judge(signed_by_openssl(folder, {.subject = "/O=north"})).refusal, StartsWith(not_one));
  EXPECT_THAT(trust.judge(with_common_name(folder, "north", false, "south")).refusal, StartsWith(not_one));
  for (const std::string& name :
       {std::string("nor th"), std::string("north\0south", 11), std::string("../north"),
        std::string("caf\xc3\xa9"), std::string("north\n"), std::string(1, '\0')}) {
    const Trust::Verdict verdict = trust.judge(with_common_name(folder, "north", true, name));
    EXPECT_EQ(verdict.name, "");
    EXPECT_THAT(verdict.refusal, StartsWith("its certificate has ")) << name;
    EXPECT_THAT(verdict.refusal, HasSubstr("; without a valid name, serial ")) << name;
  }
  EXPECT_NE(trust.judge(with_common_name(folder, "north", true, "\xff\xfe")).refusal, "");
}

TEST(Trust, RefusesWhatIsRevoked) {
  const TemporaryFolder folder;
  make_certificates(folder.path(), {"north", "south"});
  const std::string north = file_content(folder.path("north/cert.pem"));
  const std::string south = file_content(folder.path("south/cert.pem"));
  EXPECT_THAT(revoke_certificate(folder.path(), "north"), ContainsRegex("^20[0-9-]{8} [0-9:]{8} UTC$"));
  run_openssl(folder, "crl -in server/crl.pem -CAfile ca/cert.pem -noout -crlnumber");
  EXPECT_THAT(server_of(folder).judge(north).refusal,
              StartsWith("its certificate is revoked; name north, serial "));
  EXPECT_EQ(server_of(folder).judge(south).name, "south");
  // The name again, with a new certificate.
  std::filesystem::remove_all(folder.path("north"));
  make_certificates(folder.path(), {"north"});
  EXPECT_EQ(server_of(folder).judge(file_content(folder.path("north/cert.pem"))).name, "north");
  revoke_certificate(folder.path(), "south");
  revoke_certificate(folder.path(), "south");
  run_openssl(folder, "crl -in server/crl.pem -CAfile ca/cert.pem -noout -crlnumber");
  EXPECT_THAT(file_content(folder.path("said")), ContainsRegex("crlNumber=(0x)?0?3"));
  const Trust trust = server_of(folder);
  EXPECT_THAT(trust.judge(north).refusal, HasSubstr("is revoked"));
  EXPECT_THAT(trust.judge(south).refusal, HasSubstr("is revoked"));
  const auto revoked = [&](const std::string& name) {
    return error_of([&] { revoke_certificate(folder.path(), name); });
  };
  EXPECT_THAT(revoked("server"), HasSubstr("only the server reads the list"));
  EXPECT_THAT(revoked("../north"), HasSubstr("is no name"));
  EXPECT_THAT(revoked("west"), HasSubstr("west/cert.pem: cannot read"));
  make_ca_by_openssl(folder, "other");
  EXPECT_THAT(revoked("other"), HasSubstr("other/cert.pem: is not signed by the CA in"));
}

TEST(Trust, RefusesAllByAnOutdatedList) {
  const TemporaryFolder folder;
  make_certificates(folder.path(), {"north", "south"});
  revoke_certificate(folder.path(), "north");
  TlsFiles files = read_tls(folder.path("server"));
  const auto refusal = [&] {
    return Trust(files).judge(file_content(folder.path("south/cert.pem"))).refusal;
  };
  EXPECT_EQ(refusal(), "");
  files.crl = list_between(folder, -9 * kDay, -kDay);
  EXPECT_THAT(refusal(),
              StartsWith("its certificate cannot be checked: the server's crl.pem is outdated; name south"));
  folder.write("server/crl.pem", *files.crl);
  EXPECT_THAT(error_of([&] { read_tls(folder.path("server")); }), HasSubstr("crl.pem: is outdated since 20"));
  files.crl = list_between(folder, kDay, 9 * kDay);
  EXPECT_THAT(refusal(), HasSubstr("crl.pem is not valid yet"));
  revoke_certificate(folder.path(), "north");
  files = read_tls(folder.path("server"));
  EXPECT_EQ(refusal(), "") << "the list was prolonged";
  // The list of another CA says nothing about the certificates of this one.
  make_certificates(folder.path("other"), {"west"});
  revoke_certificate(folder.path("other"), "west");
  files.crl = file_content(folder.path("other/server/crl.pem"));
  EXPECT_THAT(refusal(), HasSubstr("crl.pem has no list of the CA that signed it"));
  files.crl = "garbage";
  EXPECT_THAT(error_of(refusal), HasSubstr("the text of the CRL has no list"));
  files.ca = "garbage";
  EXPECT_THAT(error_of(refusal), HasSubstr("the text of the CA has no certificate"));
}

TEST(Trust, JudgesOnManyThreads) {
  const TemporaryFolder folder;
  make_certificates(folder.path(), {"north", "south"});
  revoke_certificate(folder.path(), "south");
  const Trust trust = server_of(folder);
  const std::string north = file_content(folder.path("north/cert.pem"));
  const std::string south = file_content(folder.path("south/cert.pem"));
  std::vector<int> right(4);
  {
    std::vector<std::jthread> threads;
    for (int& count : right) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i)
          count += trust.judge(north).name == "north" && trust.judge(south).name.empty() ? 1 : 0;
      });
    }
  }
  EXPECT_THAT(right, ElementsAre(20, 20, 20, 20));
}

TEST(Trust, LeavesNoErrorsOfOpenssl) {
  const TemporaryFolder folder;
  make_certificates(folder.path(), {"north"});
  const Trust trust = server_of(folder);
  EXPECT_NE(trust.judge("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").refusal, "");
  EXPECT_EQ(ERR_peek_error(), 0UL);
  EXPECT_NE(trust.judge(file_content(folder.path("server/cert.pem"))).refusal, "");
  EXPECT_EQ(ERR_peek_error(), 0UL);
}

TEST(ReadTls, SaysWhatIsWrongWithAFile) {
  const TemporaryFolder folder;
  make_certificates(folder.path(), {"north", "south"});
  make_certificates(folder.path("other"), {"north", "west"});
  revoke_certificate(folder.path("other"), "west");
  const std::string expired = valid_between(folder, "north", -9 * kDay, -kDay);
  run_openssl(folder, "pkey -in north/key.pem -aes128 -passout pass:word -out with-phrase.pem");
  const auto key_of = [&](const std::string& from) { return file_content(folder.path(from)); };
  const std::vector<std::vector<std::string>> rows = {
      // the file, its new content, the message after the path of the folder
      {"ca.pem", "", "/ca.pem: has none; need a PEM file that begins with -----BEGIN CERTIFICATE-----"},
      {"ca.pem", std::string((1 << 20) + 1, 'x'), "/ca.pem: has more than 1048576 bytes; need a PEM file"},
      {"cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
       "/cert.pem: cannot be understood"},
      {"cert.pem", key_of("south/cert.pem"), "/key.pem: is not the key of"},
      {"cert.pem", expired, "/cert.pem: has expired (on 20"},
      {"ca.pem", key_of("other/ca/cert.pem"),
       "/cert.pem: is not signed by this CA; need a valid certificate"},
      {"key.pem", "garbage", "/key.pem: has no key"},
      {"key.pem", key_of("south/key.pem"), "/key.pem: is not the key of"},
      {"key.pem", key_of("with-phrase.pem"), "/key.pem: the key needs a pass phrase"},
      {"crl.pem", key_of("other/server/crl.pem"), "/crl.pem: is not signed by a certificate of ca.pem"},
      {"crl.pem", "garbage", "/crl.pem: has none; need a PEM file that begins with -----BEGIN X509 CRL-----"},
  };
  for (const auto& row : rows) {
    const TemporaryFolder changed_one;
    std::filesystem::copy(folder.path("north"), changed_one.path("north"));
    changed_one.write("north/" + row[0], row[1]);
    EXPECT_THAT(error_of([&] { read_tls(changed_one.path("north")); }),
                StartsWith(changed_one.path("north") + row[2]));
  }
  for (const std::string file : {"ca.pem", "cert.pem", "key.pem"}) {
    const TemporaryFolder without;
    std::filesystem::copy(folder.path("north"), without.path("north"));
    std::filesystem::remove(without.path("north/" + file));
    EXPECT_THAT(error_of([&] { read_tls(without.path("north")); }),
                HasSubstr("/" + file + ": cannot read: No such file"));
  }
  for (const unsigned mode : {0640U, 0604U, 0620U, 0777U}) {
    chmod(folder.path("north/key.pem").c_str(), mode);
    EXPECT_THAT(error_of([&] { read_tls(folder.path("north")); }),
                AllOf(HasSubstr("/key.pem: has the mode "), HasSubstr("need chmod 600")));
  }
  chmod(folder.path("north/key.pem").c_str(), 0400);
  EXPECT_NO_THROW(read_tls(folder.path("north")));
}

}  // namespace
}  // namespace laconic
