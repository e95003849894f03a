// SPDX-License-Identifier: Apache-2.0
// The program `laconic`, as a function for programs that add methods, compressors or problems.
#pragma once

namespace laconic::cli {

/// The whole program `laconic`. Call it once from main(), after register_method() and the like, and return
/// its result.
int main(int argc, char** argv);

}  // namespace laconic::cli
