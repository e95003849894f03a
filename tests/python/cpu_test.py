# SPDX-License-Identifier: Apache-2.0
"""The check of the CPU before the extension module loads."""
import pathlib
import subprocess
import sys

import pytest

import laconic
from laconic._build import MARCH
from laconic._cpu import require_cpu

V3 = ("cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma movbe xsave").split()


def cpuinfo(tmp_path, flags):
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor : 0\nflags\t\t: fpu {' '.join(flags)}\nbugs :\n")
    return str(path)


def test_a_cpu_with_all_instructions(tmp_path):
    require_cpu("x86-64-v3", cpuinfo(tmp_path, V3))


@pytest.mark.parametrize("missing", ["avx2", "popcnt", "fma"])
def test_a_cpu_without_one(tmp_path, missing):
    with pytest.raises(ImportError, match=f"built for x86-64-v3, and this CPU lacks {missing};.*-DLACONIC_MARCH=native"):
        require_cpu("x86-64-v3", cpuinfo(tmp_path, [flag for flag in V3 if flag != missing]))


def test_what_is_not_known_is_let_through(tmp_path):
    require_cpu("native", cpuinfo(tmp_path, []))
    require_cpu("x86-64-v3", str(tmp_path / "missing"))
    (tmp_path / "arm").write_text("processor : 0\nFeatures : fp asimd\n")
    require_cpu("x86-64-v3", str(tmp_path / "arm"))


def test_the_error_comes_from_the_import(tmp_path):
    if not MARCH.startswith("x86-64-v"):
        pytest.skip(f"built for {MARCH}")
    code = ("import builtins, io, sys\n"
            "sys.path.insert(0, sys.argv[1])\n"
            "real = builtins.open\n"
            "def fake(path, *more, **others):\n"
            "    return io.StringIO('flags : fpu') if path == '/proc/cpuinfo' else real(path, *more, **others)\n"
            "builtins.open = fake\n"
            "import laconic\n")
    package = pathlib.Path(laconic.__file__).resolve().parent
    done = subprocess.run([sys.executable, "-c", code, str(package.parent)], capture_output=True, text=True)
    assert "ImportError: laconic was built for" in done.stderr and done.returncode == 1
