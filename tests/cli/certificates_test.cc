// SPDX-License-Identifier: Apache-2.0
// The verb certificates, in a build with sites and in one without.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "tests/program.h"
#include "tests/temporary_folder.h"

namespace laconic::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// Whether the program was built with sites; it says so.
bool has_sites() {
  const Said said = laconic({"certificates"});
  EXPECT_EQ(said.code, 2);
  return said.text.find("built without sites; `make sites` builds it with them") == std::string::npos;
}

TEST(CertificatesVerb, IsListedInEveryBuild) {
  EXPECT_THAT(laconic({}).text, HasSubstr("\n  certificates DIR NAME...  make a test CA"));
  const Said help = laconic({"help", "certificates"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.text, HasSubstr("revoke=NAME"));
}

TEST(CertificatesVerb, MakesFoldersAndSaysHowToUseThem) {
  if (!has_sites()) GTEST_SKIP() << "built without sites";
  const TemporaryFolder folder;
  const std::string certs = folder.path("certs");
  const Said made = laconic({"certificates", certs, "north", "south"});
  EXPECT_EQ(made.code, 0);
  EXPECT_THAT(made.text, AllOf(HasSubstr(certs + ": made server, north, south, signed by the test CA in "),
                               HasSubstr(certs + "/ca/key.pem can make any name: it stays with its owner")));
  EXPECT_EQ(std::count(made.text.begin(), made.text.end(), '\n'), 2);
  EXPECT_TRUE(std::filesystem::exists(certs + "/north/key.pem"));
  EXPECT_THAT(laconic({"certificates", certs, "west", "--quiet"}).text, "");
  EXPECT_TRUE(std::filesystem::exists(certs + "/west/key.pem"));
  const Said revoked = laconic({"certificates", certs, "revoke=north"});
  EXPECT_EQ(revoked.code, 0);
  EXPECT_THAT(revoked.text, HasSubstr("server/crl.pem: north is revoked."));
  EXPECT_TRUE(std::filesystem::exists(certs + "/server/crl.pem"));
}

TEST(CertificatesVerb, SaysWhatIsWrong) {
  if (!has_sites()) GTEST_SKIP() << "built without sites";
  const TemporaryFolder folder;
  const std::string certs = folder.path("certs");
  const std::string usage = "certificates: need laconic certificates DIR NAME..., or ";
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
      {{"certificates"}, usage},
      {{"certificates", certs}, usage},
      {{"certificates", "", "north"}, usage},
      {{"certificates", certs, "north", "revoke=south"}, usage},
      {{"certificates", certs, "revok=south"}, "did you mean \"revoke\"?"},
      {{"certificates", certs, "revoke=a", "revoke=b"}, "revoke is given twice"},
      {{"certificates", certs, "no/rth"}, "is no name"},
      {{"certificates", certs, "revoke=north"}, "ca/cert.pem: cannot read"},
  };
  for (const auto& [words, message] : rows) {
    const Said said = laconic(words);
    EXPECT_EQ(said.code, 2);
    EXPECT_THAT(said.text, HasSubstr(message));
  }
  EXPECT_FALSE(std::filesystem::exists(certs));
}

}  // namespace
}  // namespace laconic::testing
