// SPDX-License-Identifier: Apache-2.0
// For a file with kernels: Highway includes the file once for each target, and then the functions between
// HWY_BEFORE_NAMESPACE() and HWY_AFTER_NAMESPACE() are compiled for that target, in a namespace of its own.
// Code under `#if HWY_ONCE` is compiled once; HWY_EXPORT and HWY_DYNAMIC_DISPATCH call the best target that
// the CPU has. The file defines HWY_TARGET_INCLUDE as its own path before it includes this one.
//
// The targets are those of cpu.h. Kernels take from Highway this choice and not its vectors: in lanes.h the
// width of a vector is part of the algorithm, as the order of sums depends on it.
//
// Headers of kernels include this file, and then, once for each target, what stands behind their guard.
//
// Whatever else the file includes is compiled for the baseline. A kernel may call it, but only inlined code
// profits from the target, and no vector may be an argument or a result there: targets pass vectors in other
// ways. g++ 12 compiles friends that are defined in a template for the baseline too.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
