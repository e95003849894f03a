# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests that start the program as users do: an environment, a small data set, a folder."""
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

SECONDS = 600  # a run that takes longer hangs, also on a slow machine under a sanitizer

# Removes the settings of a launcher under which this test may itself run. Sets Open MPI up for a container,
# on one machine, on loopback.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not re.match("OMPI_|PMIX?_|SLURM_", k)} | {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_btl_tcp_if_include": "lo",
    "OMPI_MCA_oob_tcp_if_include": "lo",
    "OMPI_MCA_orte_execute_quiet": "1",
    # The leaks that the sanitizer's build finds are those of Open MPI itself.
    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0",
}

def two_classes(rows=47, columns=12):
    """A small data set in LIBSVM format."""
    state = 7
    lines = []
    for i in range(rows):
        entries = []
        for j in range(1, columns + 1):
            state = (state * 1103515245 + 12345) % 2**31
            if state % 5 < 3:
                entries.append(f"{j}:{state % 997 / 997 - 0.4 + (0.3 if i % 2 else 0):.4g}")
        lines.append(" ".join(["+1" if i % 2 else "-1", *entries]))
    return "\n".join(lines) + "\n"


def said_by(command, environment=None):
    done = subprocess.run(command, env=ENVIRONMENT | (environment or {}), stdin=subprocess.DEVNULL, timeout=SECONDS,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.returncode, done.stdout


def processes(where):
    """The ids of the processes for which where(folder in /proc) is true. Omits processes that end during the
    check."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdigit() and where(path):
                found.append(int(path.name))
        except OSError:
            pass
    return found


def processes_of(out):
    """The processes of a run into that folder, including its launcher."""
    return processes(lambda path: str(out).encode() in (path / "cmdline").read_bytes())  # empty if dead


def kill_all_of(out):
    """Kills mpirun of a run into that folder and its ranks, which outlive it briefly. Returns when none of
    them is left."""
    while left := processes_of(out):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:  # it has already ended
                pass


class Job:
    """A launched run into a folder, during `with`, with access to its ranks. The ranks in `recorded` must be
    started through Job.shell(); they record their exit codes."""

    def __init__(self, command, out, recorded=(0,), environment=None):
        self.out = out
        self.codes = out.with_name(f"{out.name}-codes")
        self.codes.mkdir()
        self.text_file = self.codes / "text"
        own = {"LACONIC_CODES": str(self.codes), "LACONIC_RECORDED": " ".join(map(str, recorded))}
        with self.text_file.open("w") as text:
            self.process = subprocess.Popen(command, env=ENVIRONMENT | own | (environment or {}), stdin=subprocess.DEVNULL,
                                            stdout=text, stderr=subprocess.STDOUT)

    @staticmethod
    def shell(*command):
        """The command of a rank. If its exit code is not recorded, it replaces the shell, so that a launcher
        sees how it dies."""
        script = """case " $LACONIC_RECORDED " in
          *" $OMPI_COMM_WORLD_RANK "*) "$@"; code=$?; echo $code >"$LACONIC_CODES/$OMPI_COMM_WORLD_RANK"; exit $code ;;
        esac
        exec "$@\""""
        return ["sh", "-c", script, "-", *command]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        kill_all_of(self.out)
        self.process.wait()

    @property
    def text(self):
        return self.text_file.read_text()

    def complaints(self):
        return [line for line in self.text.splitlines() if line.startswith("laconic: ")]

    def until(self, happens, ended_is_fine=False):
        """Waits until `happens()` is true and returns True. Returns False if the job ends first, which is an
        error unless `ended_is_fine`."""
        begin = time.monotonic()
        while not happens():
            if self.process.poll() is not None and not happens():
                assert ended_is_fine, f"the run ended too early: {self.text}"
                return False
            assert time.monotonic() - begin < SECONDS, f"nothing happens: {self.text}"
            time.sleep(0.002)
        return True

    def until_over(self):
        """The exit code of the launcher, after all processes of the job have ended."""
        self.until(lambda: self.process.poll() is not None)
        begin = time.monotonic()
        while left := processes_of(self.out):
            assert time.monotonic() - begin < SECONDS, f"left behind: {left}, {self.text}"
            time.sleep(0.01)
        return self.process.returncode

    def code_of(self, rank):
        path = self.codes / str(rank)
        return int(path.read_text()) if path.exists() and path.read_text() else None

    def pid_of(self, rank, program):
        """The id of the program's process, not of its shell."""
        has_rank = f"OMPI_COMM_WORLD_RANK={rank}".encode()
        pids = processes(lambda path: os.readlink(path / "exe") == os.path.realpath(program) and
                         str(self.out).encode() in (path / "cmdline").read_bytes() and
                         has_rank in (path / "environ").read_bytes().split(b"\0"))
        assert len(pids) == 1, f"processes of rank {rank}: {pids}"
        return pids[0]

    def kill(self, rank, program, how=signal.SIGKILL):
        """Returns whether the process was still there."""
        try:
            os.kill(self.pid_of(rank, program), how)
            return True
        except (AssertionError, ProcessLookupError):
            return False


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.data = self.folder / "classes"
        self.data.write_text(two_classes())

    def assert_one_message(self, command, code, message):
        got, text = said_by(command)
        self.assertEqual(got, code, text)
        ours = [line for line in text.splitlines()
                if line.startswith("laconic: ") and "rows are left out by" not in line]
        self.assertEqual(len(ours), 1, text)
        self.assertIn(message, ours[0])
