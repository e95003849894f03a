// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.h"

#ifdef LACONIC_SITES
#include <optional>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "laconic/core/error.h"
#include "laconic/experiment/config.h"
#include "laconic/sites/certificates.h"
#else
#include "cli/sites.h"
#endif

namespace laconic::cli {

#ifdef LACONIC_SITES
namespace {

constexpr const char* kCertificatesUsage =
    "laconic certificates DIR NAME..., or laconic certificates DIR revoke=NAME";

void make_folders(const std::string& folder, const std::vector<std::string>& names) {
  const std::vector<std::string> made = make_certificates(folder, names);
  print_out(
      "{0}: made {1}, signed by the test CA in {0}/ca. Copy to each machine the folder of its name and "
      "nothing "
      "else; then tls=FOLDER.\n"
      "{0}/ca/key.pem can make any name: it stays with its owner, and no other machine needs it.\n",
      folder, fmt::join(made, ", "));
}

void revoke_site(const std::string& folder, const std::string& name) {
  const std::string end = revoke_certificate(folder, name);
  print_out(
      "{0}/server/crl.pem: {1} is revoked. Start the server again with this file in its folder.\n"
      "The list is valid until {2}, and after that no site can connect: the same command prolongs it.\n",
      folder, name, end);
}

}  // namespace

int certificates(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  std::optional<std::string> revoked;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    if (&word == &words.front() || equals == std::string::npos) {  // the name of a folder may contain '='
      names.push_back(word);
    } else if (key != "revoke") {
      fail_unknown_key(key, {"revoke"});
    } else {
      revoked = word.substr(equals + 1);
    }
  }
  if (names.empty() || names[0].empty() || (names.size() > 1) == revoked.has_value())
    throw InputError(fmt::format("certificates: need {}", kCertificatesUsage));
  const std::string folder = names[0];
  if (revoked) {
    revoke_site(folder, *revoked);
  } else {
    make_folders(folder, {names.begin() + 1, names.end()});
  }
  return kDone;
}
#else
int certificates(const std::vector<std::string>& /*words*/) { fail_without_sites(); }
#endif

}  // namespace laconic::cli
