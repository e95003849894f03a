# SPDX-License-Identifier: Apache-2.0
"""A Slurm cluster of one node on this machine, with its own daemons, ports, keys and folders.

It needs no root and no other set-up. It does not disturb a Slurm or a munged that already runs on this
machine."""
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from launch import ENVIRONMENT, SECONDS, processes

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"  # a user's PATH often lacks the folder of the daemons
TOOLS = ["munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "sinfo"]
# Seconds, with a margin for a busy machine: ranks that share a core are slow.
TO_START = 60
TO_END = 240


class Unavailable(Exception):
    """Slurm cannot be started here."""


def free_port():
    """A port without a listener. The system assigns ports below 32768 to no connection, so it stays free."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
                return port
            except OSError:
                pass


def kill_all_with(configuration):
    """Kills the daemons and the jobs of the cluster with this configuration. Returns when none of them is
    left."""
    ours = f"SLURM_CONF={configuration}".encode()
    while left := processes(lambda path: ours in (path / "environ").read_bytes().split(b"\0")):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Cluster:
    """A cluster that runs during `with`, or until this process is killed."""

    def __init__(self, folder, cpus=2):
        self.folder = folder
        self.cpus = cpus
        self.configuration = folder / "slurm.conf"
        self.environment = ENVIRONMENT | {"SLURM_CONF": str(self.configuration), "PATH": PATH}
        self.daemons = []
        self.guarded = None

    def __enter__(self):
        missing = [tool for tool in TOOLS if not shutil.which(tool, path=PATH)]
        if missing:
            raise Unavailable(f"no {', '.join(missing)}")
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        # The guard survives this process, and the processes that ctest kills together with it.
        guard = subprocess.Popen(["setsid", "--fork", sys.executable, "-B", __file__, self.configuration], stdin=subprocess.PIPE)
        guard.wait()
        self.guarded = guard.stdin
        for name in ("spool", "state"):
            (self.folder / name).mkdir()
        (self.folder / "key").write_bytes(os.urandom(128))
        (self.folder / "key").chmod(0o600)
        self.write_configuration()
        files = {name: self.folder / name for name in ("key", "pid", "seed", "log")}
        # --force: munged by default refuses to run as root, or below a folder that others can write to, such
        # as /tmp.
        self.daemon("munged", "--foreground", "--force", f"--socket={self.folder / 'munge'}",
                    *[f"--{name}-file={path}" for name, path in files.items()])
        self.until("munged", (self.folder / "munge").exists)
        self.daemon("slurmctld", "-D", "-c")
        self.daemon("slurmd", "-D", "-c")
        self.until("slurmd", lambda: self.said("sinfo", "--noheader", "--format=%T") == "idle")
        if "pmix" not in self.said("srun", "--mpi=list"):
            raise Unavailable("this Slurm is built without PMIx")

    def write_configuration(self):
        host = socket.gethostname().split(".")[0]
        try:
            user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            raise Unavailable(f"user {os.geteuid()} has no name") from None
        lines = {
            "ClusterName": "laconic-test",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": free_port(),
            "SlurmdPort": free_port(),
            "SlurmUser": user,
            "SlurmdUser": user,
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={self.folder / 'munge'}",
            "FirstJobId": random.randrange(1, 2**25),  # ranks of Open MPI name their shared memory by it
            "StateSaveLocation": self.folder / "state",
            "SlurmdSpoolDir": self.folder / "spool",
            "SlurmctldPidFile": self.folder / "slurmctld.pid",
            "SlurmdPidFile": self.folder / "slurmd.pid",
            "MailProg": "/bin/true",
            # No plugin that needs privileges on the machine, such as control groups.
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "JobAcctGatherType": "jobacct_gather/none",
            "SelectType": "select/linear",
            "MpiDefault": "none",
            "SlurmdParameters": "config_overrides",  # the configuration sets the number of processors
            "SchedulerParameters": "batch_sched_delay=0",
            "NodeName": f"{host} NodeAddr=127.0.0.1 CPUs={self.cpus}",
            "PartitionName": f"all Nodes={host} Default=YES",
        }
        self.configuration.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        # The default is /tmp, where another cluster uses the same names.
        self.configuration.with_name("mpi.conf").write_text(f"PMIxCliTmpDirBase={self.folder}\n")

    def daemon(self, *command):
        with (self.folder / f"{command[0]}.out").open("w") as out:
            self.daemons.append(subprocess.Popen(command, env=self.environment,
                                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT))

    def until(self, name, happens):
        begin = time.monotonic()
        while not happens():
            ended = any(daemon.poll() is not None for daemon in self.daemons)
            if ended or time.monotonic() - begin > TO_START:
                raise Unavailable(f"{name} does not start: {self.complaints()}")
            time.sleep(0.05)

    def complaints(self):
        """The errors that the daemons report."""
        lines = [line for daemon in ("munged", "slurmctld", "slurmd")
                 for path in self.folder.glob(f"{daemon}.out") for line in path.read_text().splitlines()]
        return "; ".join([line for line in lines if re.search("fatal|Error:", line)] or lines[-1:])

    def stop(self):
        kill_all_with(self.configuration)
        for daemon in self.daemons:
            daemon.wait()

    def said(self, *command, folder=None, environment=None):
        """The stdout of a Slurm command; an empty string if it fails."""
        done = subprocess.run(command, cwd=folder or self.folder, env=self.environment | (environment or {}),
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def submit(self, *words, folder, environment=None):
        """Submits a job with sbatch and these words, in that folder; returns its id."""
        job = self.said("sbatch", "--parsable", *words, folder=folder, environment=environment)
        assert job, f"sbatch {' '.join(map(str, words))} fails"
        return job

    def state(self, job):
        """The state of a job, such as RUNNING, and its exit code, such as 0:0."""
        told = self.said("scontrol", "--oneliner", "show", "job", job)
        return re.search(r"JobState=(\S+)", told).group(1), re.search(r"ExitCode=(\S+)", told).group(1)

    def until_over(self, job):
        """The state and the exit code of a job that has ended."""
        begin = time.monotonic()
        while (told := self.state(job))[0] not in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"):
            assert time.monotonic() - begin < TO_END, f"job {job} does not end"
            time.sleep(0.1)
        return told


if __name__ == "__main__":
    sys.stdin.read()  # until the process that started this guard has ended
    kill_all_with(sys.argv[1])
