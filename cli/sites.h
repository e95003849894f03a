// SPDX-License-Identifier: Apache-2.0
// The verbs of runs across sites are there in every build, and explain a build without sites.
#pragma once

namespace laconic::cli {

/// Throws the InputError of these verbs where CMake found no gRPC or no OpenSSL (LACONIC_SITES).
[[noreturn]] void fail_without_sites();

}  // namespace laconic::cli
