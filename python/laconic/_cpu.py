# SPDX-License-Identifier: Apache-2.0
"""Checks the CPU before the extension module loads: an unknown instruction would end the process."""
from ._build import MARCH

# What each level of x86-64 adds, by the names of /proc/cpuinfo. Without abm (lzcnt) of v3: every CPU with AVX2 has it, and
# some hypervisors hide that flag alone.
_LEVELS = {
    "x86-64-v2": "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3",
    "x86-64-v3": "avx avx2 bmi1 bmi2 f16c fma movbe xsave",
    "x86-64-v4": "avx512f avx512bw avx512cd avx512dq avx512vl",
}


def require_cpu(march=MARCH, cpuinfo="/proc/cpuinfo"):
    """ImportError if this machine's CPU lacks instructions that the module was built with."""
    if march not in _LEVELS:  # native, or another kind of CPU
        return
    try:
        with open(cpuinfo, encoding="ascii", errors="replace") as file:
            flags = next((line.split() for line in file if line.startswith("flags")), None)
    except OSError:
        return
    if flags is None:
        return
    levels = list(_LEVELS)
    needed = " ".join(_LEVELS[level] for level in levels[: levels.index(march) + 1]).split()
    missing = [flag for flag in needed if flag not in flags]
    if missing:
        raise ImportError(
            f"laconic was built for {march}, and this CPU lacks {', '.join(missing)}; build it here with "
            "cmake -DLACONIC_MARCH=native"
        )
