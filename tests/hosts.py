# SPDX-License-Identifier: Apache-2.0
"""Several hosts on one machine: network namespaces on a bridge, and mpirun over them, so that ranks use real
TCP.

Everything runs in an isolated process tree: in network, mount and process namespaces that end with their
first process, which is killed when this process ends for any reason. So no clean-up is needed. Requires root,
or permission to create namespaces as a user, and iproute2. Exit code 77 if namespaces cannot be created."""
import os
import shutil
import subprocess
import sys

FENCE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child",
         "--mount-proc", *([] if os.geteuid() == 0 else ["--map-root-user"])]
INSIDE = "LACONIC_BEHIND_THE_FENCE"  # in the environment of the isolated process


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def go_behind_the_fence():
    """Returns in a new, isolated process; the calling process ends with its exit code."""
    if INSIDE in os.environ:
        return
    try:
        probe = subprocess.run([*FENCE, "true"], capture_output=True, text=True)
    except FileNotFoundError as error:
        skip(f"no namespaces here: {error}")
    if probe.returncode != 0:
        skip(f"no namespaces here: {probe.stderr.strip()}")
    command = [*FENCE, sys.executable, "-B", *sys.argv]
    sys.exit(subprocess.run(command, env=os.environ | {INSIDE: "1", "TMPDIR": "/run"}).returncode)


def make_hosts(count, bits_per_second=None):
    """host0, host1, ..., each with a link to the bridge. If a speed is given, both directions have a token
    bucket."""
    lines = [
        "mount -t tmpfs none /run",  # for ip's names of namespaces and for our files
        "ip link set lo up",
        "ip link add switch type bridge",
        "ip addr add 10.0.0.254/24 dev switch",  # for mpirun itself
        "ip link set switch up",
    ]
    for h in range(count):
        lines += [
            f"ip netns add host{h}",
            f"ip link add port{h} type veth peer name eth0 netns host{h}",
            f"ip link set port{h} master switch up",
            f"ip -n host{h} link set lo up",
            f"ip -n host{h} addr add 10.0.0.{h + 1}/24 dev eth0",
            f"ip -n host{h} link set eth0 up",
        ]
    run_or_skip(lines)
    for h in range(count if bits_per_second else 0):
        shape_link_of(h, bits_per_second)


def shape_link_of(host, bits_per_second, burst="32k", queue="100ms"):
    """Sets a token bucket in both directions, or replaces the old one. After a pause, `burst` bytes are sent
    at once. Packets that would wait longer than `queue` are lost; TCP sends them again."""
    shaped = f"root tbf rate {bits_per_second:.0f}bit burst {burst} latency {queue}"
    run_or_skip([
        f"ip netns exec host{host} tc qdisc replace dev eth0 {shaped}",  # what the host sends
        f"tc qdisc replace dev port{host} {shaped}",  # what it receives
    ])


def run_or_skip(lines):
    for line in lines:
        try:
            done = subprocess.run(line.split(), capture_output=True, text=True)
        except FileNotFoundError as error:
            skip(str(error))
        if done.returncode != 0:
            skip(f"{line}: {done.stderr.strip()}")


def cut_link_of(host):
    """The link carries nothing more, and no process is notified. mpirun is not notified of its own connection
    either: under --enable-recovery it never ended the job while we observed it. That differs from a daemon
    that dies, which ends the job."""
    subprocess.run(["ip", "link", "set", f"port{host}", "down"], check=True)


def mend_link_of(host):
    subprocess.run(["ip", "link", "set", f"port{host}", "up"], check=True)


def narrow_link_of(host, bits_per_second):
    """Limits the speed of what the host sends."""
    subprocess.run(["ip", "netns", "exec", f"host{host}", "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate",
                    f"{bits_per_second:.0f}bit", "burst", "8k", "latency", "1s"], check=True)


def widen_link_of(host):
    subprocess.run(["ip", "netns", "exec", f"host{host}", "tc", "qdisc", "del", "dev", "eth0", "root"], check=True)


def bytes_sent_by(host):
    """Bytes sent over the host's link since its creation."""
    with open("/proc/self/net/dev", encoding="utf8") as file:
        links = dict(line.split(":") for line in file if ":" in line)
    received = {name.strip(): int(numbers.split()[0]) for name, numbers in links.items()}
    return received[f"port{host}"]


# The settings for one machine, in launch.py, use loopback.
ENVIRONMENT = {"OMPI_MCA_btl_tcp_if_include": "10.0.0.0/24", "OMPI_MCA_oob_tcp_if_include": "10.0.0.0/24"}


def launcher(folder, count):
    """mpirun with one rank on each host. Its remote shell enters a namespace and sets the host's name: ranks
    with the same host name would share memory."""
    shell = folder / "shell"
    shell.write_text('#!/bin/sh\nhost=$1; shift\nexec ip netns exec $host unshare --uts sh -c "hostname $host; $*"\n')
    shell.chmod(0o755)
    return [shutil.which("mpirun.openmpi") or "mpirun", "--allow-run-as-root", "-n", str(count), "--bind-to", "none",
            "--host", ",".join(f"host{h}" for h in range(count)), "--mca", "plm_rsh_agent", str(shell),
            "--mca", "oob_tcp_if_include", "10.0.0.0/24", "--mca", "btl_tcp_if_include", "10.0.0.0/24",
            "--mca", "btl", "self,tcp", "--mca", "mpi_yield_when_idle", "1"]
