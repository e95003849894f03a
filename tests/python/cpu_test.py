# SPDX-License-Identifier: Apache-2.0
"""LACONIC_CPU chooses the instructions of the kernels when the module is imported."""
import json
import os
import pathlib
import subprocess
import sys

import laconic

RUN = ("import json, laconic as lc\n"
       "run = lc.run(problem='quadratic(d=20)', clients=3, method='gd', rounds=5)\n"
       "print(json.dumps([run.summary['cpu'], run.x.tobytes().hex()]))\n")


def on_cpu(name, code=RUN):
    package = pathlib.Path(laconic.__file__).resolve().parent
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    environment.pop("LACONIC_CPU", None)
    if name is not None:
        environment["LACONIC_CPU"] = name
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_a_forced_cpu_gives_the_same_bits():
    best, x = json.loads(on_cpu(None).stdout)
    assert json.loads(on_cpu(best).stdout) == [best, x]
    if best == "v4":
        assert json.loads(on_cpu("v3").stdout) == ["v3", x]


def test_an_unknown_cpu_is_an_import_error():
    done = on_cpu("v9", "import laconic")
    assert done.returncode == 1
    assert 'ImportError: LACONIC_CPU = "v9"; this program has ' in done.stderr.splitlines()[-1]
