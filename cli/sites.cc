// SPDX-License-Identifier: Apache-2.0
#include "cli/sites.h"

#include "laconic/core/error.h"

namespace laconic::cli {

void fail_without_sites() {
  throw InputError("this laconic was built without sites; `make sites` builds it with them");
}

}  // namespace laconic::cli
