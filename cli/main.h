// SPDX-License-Identifier: Apache-2.0
// The program `laconic`, for programs that bring methods, compressors or problems of their own.
#pragma once

namespace laconic::cli {

/// All of `laconic`, once: call it from main(), after register_method() and the like, and return what it returns.
int main(int argc, char** argv);

}  // namespace laconic::cli
