# SPDX-License-Identifier: Apache-2.0
"""The stubs have the keys of the program, the names and the arguments of the package, and types that serve a user."""
import ast
import importlib.util
import inspect
import os
import pathlib
import re
import subprocess
import sys

import pytest

import laconic as lc
from laconic import _core
from support import PATIENCE, ROOT

PACKAGE = pathlib.Path(lc.__file__).resolve().parent

# pandas and Matplotlib may be missing, and have no types of their own.
MYPY = """[mypy]
[mypy-pandas.*,matplotlib.*]
follow_imports = skip
follow_imports_for_stubs = True
ignore_missing_imports = True
"""

# In place of PyTorch, which may be missing: all that the import of laconic.torch needs of it.
TORCH = """
import types

Tensor = object
float32 = None
distributed = types.SimpleNamespace(GradBucket=object)
futures = types.SimpleNamespace(Future=list)
"""

# What stubtest is to accept.
ALLOWED = r"""
# pybind11 has a metaclass, which cannot be imported.
laconic(\._core)?\.(Call|CallLock|Compressor|Exchange|Message|OpenProblem)
# A subclass defines these two.
laconic\.Problem\.(rows|value_gradient)
# A subclass may define these; without it they are None.
laconic\.Problem\.(start|constants|hessian_vector|accuracy)
"""

RIGHT = '''
from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

import laconic as lc

Vector = NDArray[np.float64]
Rows = slice | NDArray[np.int64]


class LeastSquares(lc.Problem):
    dim = 8
    is_convex = True

    def __init__(self, clients: int) -> None:
        self.shards = clients
        self.ridge = 0.1
        self.A = [np.ones((30, 8)) for _ in range(clients)]

    def rows(self, i: int) -> int:
        return len(self.A[i])

    def value_gradient(self, i: int, rows: Rows, x: Vector) -> tuple[float, Vector]:
        A = self.A[i][rows]
        error = A @ x - 1
        return float(error @ error) / len(A), A.T @ error / len(A)

    def start(self) -> Vector:
        return np.zeros(self.dim)

    def constants(self) -> dict[str, float]:
        return {"L_max": 2.0}

    def hessian_vector(self, i: int, rows: Rows, x: Vector, v: Vector) -> Vector:
        A = self.A[i][rows]
        return A.T @ (A @ v) / len(A)

    def accuracy(self, x: Vector) -> float:
        return float(np.mean(x > 0))


def log(round: int, row: dict[str, Any]) -> None:
    print(round, row["f"])


own = LeastSquares(4)
run = lc.run("own.toml", problem=own, method="diana(rand-k(2))", rounds=200, batch=np.int64(3), out="runs/own",
             callback=log, progress=lambda done, total, text: print(done / total, text))
print(run.x.shape, run.trace["f"][-1] / 2, run.step * 2, run.stopped == "target", run.plot(x="round"))
lc.run(**run.description)
again = lc.resume("runs/own", problem=own)
print(again.x.size if isinstance(again, lc.Run) else again.table)

sweep = lc.sweep(problem="logistic(a9a)", method=["gd", "ef21(top-k({1,10}))"], seed=[1, 2], grow=True, measure="bits")
for best in sweep.best:
    print(best["method"], lc.run(**best["setting"]).reason)

advice = lc.advise(problem="logistic(a9a)", network="5mbit,20ms", gradients=1e6, method=["gd", "dcgd(top-k(1))"])
lc.run(problem=own, method=advice.recommendation, step=lc.theory(problem=own, method="gd").step)

engine = lc.open_problem("quadratic(d=20)", clients=4, progress=False)
value, gradient = engine.value_gradient(0, slice(None), np.ones(20))
lc.run(problem=engine, method="gd")
lc.run(problem=lc.problem(own.value_gradient, dim=8, rows=[1] * 4, start=np.ones(8)), method="gd")

top = lc.compressor("top-k(1%)", dim=own.dim, wire="f64")
message = top.encode(gradient.astype(np.float32), round=3)
print(lc.decode(bytes(message), own.dim, round=3) + lc.decode(message, own.dim, out=np.zeros(8), weight=0.5), value + 1)


def encode(x: Vector, key: lc.Key, k: float) -> bytes:
    return struct.pack("<d", x[key.rng().integers(len(x))] * k)


def decode(data: bytes, dim: int) -> Vector:
    return np.full(dim, struct.unpack("<d", data)[0])


state = lc.torch.HookState("ef21(top-k(1%))", momentum=0.9, start=1)
state.load_state_dict(state.state_dict())
print(lc.torch.hook, state.bytes_sent + state.segments[0], lc.torch.LocalSGD(None, None, 20, compressor="sign").step())
lc.torch.DiLoCo(None, None, 500, outer_momentum=0.8).sync()

lc.register_compressor("mine", encode, decode, omega=lambda dim, k: dim - k, floats=1, parameters={"k": 2})
print([name.usage for name in lc.list_keys()], lc.plot("runs/own", x="round", out="bits.svg"))
'''

# A comment has the code of the error that mypy is to report in its line.
WRONG = '''
import laconic as lc

lc.run(problem="quadratic(d=3)", metod="gd")  # call-arg
lc.run(problem="quadratic(d=3)", method="gd", measure="bits")  # call-arg
lc.run(problem="quadratic(d=3)", method=["gd", "dcgd(top-k(1))"])  # arg-type
lc.sweep(problem=lc.Problem, method="gd")  # arg-type
lc.advise(problem="quadratic(d=3)", network="wan", callback=print)  # call-arg
print(lc.run(problem="quadratic(d=3)", method="gd").traces)  # attr-defined
lc.compressor("top-k(1)", dim=10, wire="f16")  # arg-type
lc.torch.HookState(spec="sign", dtype="float16")  # arg-type


def of_one_argument(row: object) -> None: ...


lc.run(problem="quadratic(d=3)", method="gd", callback=of_one_argument)  # arg-type


class Mine(lc.Problem):
    dim = "8"  # assignment

    def value_gradient(self, shard: int, x: object) -> float:  # override
        return 1.0
'''


def mypy(module, *arguments, path):
    """The exit code and the output of mypy, or of a module of it, which finds stubs and modules in `path`."""
    pytest.importorskip("mypy")
    pathlib.Path("mypy.ini").write_text(MYPY)
    environment = {**os.environ, "MYPYPATH": str(path), "PYTHONPATH": os.pathsep.join([str(path), str(PACKAGE.parent)])}
    done = subprocess.run([sys.executable, "-B", "-m", module, *arguments], env=environment, text=True,
                          capture_output=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


def test_the_stub_has_the_present_keys():
    spec = importlib.util.spec_from_file_location("python_stubs", ROOT / "tools" / "python_stubs.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    text = tool.STUB.read_text()
    assert tool.MARKED.search(text)
    assert text == tool.with_keys(text), "the stub is stale; renew it: tools/python_stubs.py"


def arguments_of(function):
    """The names and the defaults of the parameters of a node of a syntax tree."""
    parameters = function.args
    names = [each.arg for each in [*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs]]
    return [name for name in names if name != "self"], [ast.unparse(default) for default in parameters.defaults]


def functions_in(body, owner):
    """The functions and methods of a stub, as pairs of the object and its node."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from functions_in(node.body, getattr(owner, node.name))
        elif isinstance(node, ast.FunctionDef) and not node.decorator_list:
            yield getattr(owner, node.name), node


def test_the_stub_of_the_extension_module_has_its_arguments():
    """stubtest does not see them: pybind11 writes them into the first line of a docstring."""
    tree = ast.parse((ROOT / "python" / "laconic" / "_core.pyi").read_text())
    compared = 0
    for function, node in functions_in(tree.body, _core):
        if node.name in ("__len__", "__bytes__", "__eq__"):
            continue
        [bound] = ast.parse(f"def {inspect.getdoc(function).splitlines()[0]}: ...").body
        assert arguments_of(node) == arguments_of(bound), node.name
        compared += 1
    assert compared > 30


@pytest.mark.parametrize("name, problem", [("run", ()), ("theory", ()), ("sweep", ()), ("advise", ()),
                                           ("open_problem", ("quadratic(d=3)",))])
def test_the_stub_has_the_keywords_that_a_function_knows(name, problem):
    with pytest.raises(TypeError) as raised:
        getattr(lc, name)(*problem, no_such_keyword=1)
    known = re.search("known: (.*)", str(raised.value))[1].split(", ")
    tree = ast.parse((ROOT / "python" / "laconic" / "__init__.pyi").read_text())
    [function] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    own = inspect.signature(getattr(lc, name)).parameters
    assert sorted(set(arguments_of(function)[0]) - set(own)) == sorted(known)


def test_stubtest_agrees():
    stubs = pathlib.Path("stubs/laconic")  # alone: stubtest would take the modules beside them for stubs
    stubs.mkdir(parents=True)
    for stub in PACKAGE.rglob("*.pyi"):
        copy = stubs / stub.relative_to(PACKAGE)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(stub.read_text())
    assert (stubs / "torch" / "__init__.pyi").exists(), "the built package has no stubs"
    (stubs.parent / "torch.py").write_text(TORCH)
    pathlib.Path("allowed").write_text(ALLOWED)
    code, output = mypy("mypy.stubtest", "laconic", "--allowlist", "allowed", "--mypy-config-file", "mypy.ini",
                        path=stubs.parent.resolve())
    assert code == 0, output


def test_the_types_serve_a_user():
    for name, program in (("right", RIGHT), ("wrong", WRONG)):
        pathlib.Path(f"{name}.py").write_text(program)
    _, output = mypy("mypy", "--strict", "--config-file", "mypy.ini", "right.py", "wrong.py", path=PACKAGE.parent)
    found = re.findall(r"^(.*?):(\d+): error: .*\[(.*)\]$", output, re.MULTILINE)
    expected = [("wrong.py", str(number), line.split("  # ")[1])
                for number, line in enumerate(WRONG.splitlines(), 1) if "  # " in line]
    assert sorted(found) == sorted(expected), output
    assert f"Found {len(expected)} errors in 1 file (checked 2 source files)" in output
