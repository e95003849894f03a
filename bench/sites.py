#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sites.py BUILD : the connection between a server and its sites (docs/sites.md), in the folder of a build with
LACONIC_SITES and laconic_bench.

Speed is measured beside that of a plain TLS 1.3 stream between two processes, with the same certificates and the
same letters, in turn. Each letter is compared with the one that was sent. The link of 100 Mbit/s and a round trip
of 20 ms is between two network namespaces (tests/hosts.py): a process that carries packets between two TUN devices,
which delays them, and drops those that would wait longer than 100 ms (bench/sites_driver.cc). Its rate counts IP
packets, so its bound is 1500/1448 times the time of the letter's bytes, and 10 ms. A cut is that of
hosts.cut_link_of().

Exit code 77 if BUILD has no sites. Without permission to make namespaces or TUN devices, the figures of links are
skipped. A goal that is not met changes no exit code.
"""
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import figures

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))
import hosts
from sites_processes import make_certificates

LONGEST = 300  # seconds
SKIPPED = 77  # the exit code of hosts.skip()
IDLE_SITES = 100
KILLS = 10
CUTS = 3
PATIENCE = 2  # seconds, with a cut link
BITS_PER_SECOND = 100e6
DELAY = 0.010  # each way
PACKET = 1500 / 1448  # with the heads of IP and TCP, of its content
LETTER = 10e6
LONG = 100e6
ORDER = 1e6


class Processes:
    """Processes of the driver, which end with the block."""

    def __init__(self, build, certificates):
        self.driver, self.certificates = build / "bench" / "laconic_sites_bench", certificates
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stack.close()

    def start(self, *words, host=None):
        inside = [] if host is None else ["ip", "netns", "exec", f"host{host}"]
        process = subprocess.Popen([*inside, str(self.driver), *map(str, words)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)
        self.stack.callback(process.stdout.close)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def serve(self, *words, address="127.0.0.1", host=None):
        """A server, and the addresses at which it listens."""
        server = self.start(*words, host=host)
        return server, [f"{address}:{port}" for port in await_line(server, "listening")]

    def join(self, site, address, plain=False, host=None):
        return self.start("join-plain" if plain else "join", self.certificates / site, address, host=host)


def await_line(process, word):
    """The words after `word` in the next line that begins with it."""
    for line in process.stdout:
        first, *words = line.split()
        if first == word:
            return words
    sys.exit(f"sites.py: {' '.join(process.args)}: exit code {process.wait()}, without the line \"{word}\"")


def samples_of(process):
    """The values that it prints until it ends, by their name and what they are of: site or plain."""
    samples = {}
    for line in process.stdout:
        name, of, value = line.split()
        samples.setdefault((name, of), []).append(float(value))
    if process.wait() != 0:
        sys.exit(f"sites.py: {' '.join(process.args)}: exit code {process.returncode}")
    return samples


def show(figure, measured, unit, goal=None, note="", better="lower"):
    asked = "" if goal is None else f"{'at most' if better == 'lower' else 'at least'} {goal:g}"
    answer = "" if goal is None else figures.met(measured, goal, better)
    print(f"{figure:46}{measured:9.4g} {unit:6}{asked:>14}{answer:>9}  {note}".rstrip(), flush=True)


def show_speed(figure, times, goal=None):
    """Megabytes a second of the median letter, and its ratio to the plain stream."""
    speed = LETTER / 1e6 / statistics.median(times["site"])
    if "plain" not in times:
        show(figure, speed, "MB/s", goal, better="higher")
        return None
    plain = LETTER / 1e6 / statistics.median(times["plain"])
    show(figure, speed, "MB/s", goal, f"plain TLS {plain:.4g}; ratio {speed / plain:.2f}", better="higher")
    return speed / plain


def measure_loopback(processes):
    server, (address, plain) = processes.serve("loopback", processes.certificates, "127.0.0.1")
    processes.join("s1", address)
    processes.join("s1", plain, plain=True)
    samples = samples_of(server)
    for name, figure in (("down", "letters of 10 MB to a site"), ("up", "letters of 10 MB from a site")):
        ratio = show_speed(figure, {of: samples[name, of] for of in ("site", "plain")}, 400)
        figures.give(f"sites/{name} ratio_to_tls", ratio, better="higher")
    show_speed("both at once, each way", {"site": samples["both", "site"]})
    echo, plain = (1e6 * statistics.median(samples["echo", of]) for of in ("site", "plain"))
    worst = 1e6 * sorted(samples["echo", "site"])[len(samples["echo", "site"]) * 99 // 100]
    show("echo of 100 B, median", echo, "us", 300,
         f"99 % within {worst:.0f}; plain TLS {plain:.0f}; ratio {echo / plain:.2f}")
    figures.give("sites/echo ratio_to_tls", echo / plain)


def measure_idle(processes):
    server, (address,) = processes.serve("idle", processes.certificates, IDLE_SITES)
    for i in range(IDLE_SITES):
        processes.join(f"s{i + 1}", address)
    before, after = (int(word) / 1e6 for word in await_line(server, "resident"))
    show(f"memory of a server with {IDLE_SITES} idle sites", after, "MB", 40, f"before the first {before:.1f}")


def measure_kills(processes):
    server, (address,) = processes.serve("watch", processes.certificates, "127.0.0.1", KILLS, 60)
    sites = [processes.join(f"s{i + 1}", address) for i in range(KILLS)]
    await_line(server, "connected")
    times = []
    for rank, site in enumerate(sites, 1):
        time.sleep(0.2)
        begin = time.monotonic()
        site.kill()
        who, when = await_line(server, "disconnected")
        if int(who) != rank:
            sys.exit(f"sites.py: site {rank} was killed, and the server says {who}")
        times.append(float(when) - begin)
    show(f"kill -9 is seen, worst of {KILLS}", 1e3 * max(times), "ms", 50,
         f"median {1e3 * statistics.median(times):.1f}")


def measure_cuts(processes):
    """Between host 0, with the server, and host 1."""
    times = []
    for _ in range(CUTS):
        server, (address,) = processes.serve("watch", processes.certificates, "10.0.0.1", 1, PATIENCE,
                                             address="10.0.0.1", host=0)
        site = processes.join("s1", address, host=1)
        await_line(server, "connected")
        time.sleep(1)
        begin = time.monotonic()
        hosts.cut_link_of(1)
        times.append(float(await_line(server, "lost")[1]) - begin)
        site.kill()
        hosts.mend_link_of(1)
    show(f"a cut link is seen, worst of {CUTS}", max(times), "s", 1.1 * PATIENCE,
         f"patience {PATIENCE}; first {min(times):.3f}")


def make_link(processes):
    """A link of 10.0.1.1 (host 0) and 10.0.1.2 (host 1); false if there cannot be one."""
    line = processes.start("line", "host0", "host1", BITS_PER_SECOND, DELAY)
    if line.stdout.readline() != "open\n":
        return False
    for host, (here, there) in enumerate([("10.0.1.1", "10.0.1.2"), ("10.0.1.2", "10.0.1.1")]):
        hosts.run_or_skip([f"ip -n host{host} addr add {here} peer {there} dev link",
                           f"ip -n host{host} link set dev link up mtu 1500"])
    return True


def measure_link(processes):
    server, (address, plain) = processes.serve("link", processes.certificates, "10.0.1.1", address="10.0.1.1", host=0)
    processes.join("s1", address, host=1)
    processes.join("s1", plain, plain=True, host=1)
    samples = samples_of(server)

    def bound(size):
        return 8 * size * PACKET / BITS_PER_SECOND + DELAY

    (long,), (plain,) = samples["long", "site"], samples["long", "plain"]
    figure = "sites/long ratio_to_link"
    show("a letter of 100 MB at 100 Mbit/s, of the bound", long / bound(LONG), "times", figures.GOALS[figure],
         f"{long:.3f} s, bound {bound(LONG):.3f}; plain TLS {plain:.3f}, {plain / bound(LONG):.4f} times")
    figures.give(figure, long / bound(LONG))
    alone = 1e3 * statistics.median(samples["alone", "site"])
    plain = 1e3 * statistics.median(samples["alone", "plain"])
    show("an order of 1 MB alone, median", alone, "ms", note=f"bound {1e3 * bound(ORDER):.1f}; plain TLS {plain:.1f}")
    orders, plain = ([1e3 * value for value in samples["order", of]] for of in ("site", "plain"))
    typical = statistics.median(orders)
    show(f"orders made faster than the link, worst of {len(orders)}", max(orders), "ms", 150,
         f"median {typical:.1f}, bound {1e3 * bound(ORDER):.1f}; plain TLS {statistics.median(plain):.1f}, "
         f"worst {max(plain):.1f}")
    figures.give("sites/order ratio_to_link", typical / 1e3 / bound(ORDER))


def measure_links(build, certificates):
    hosts.go_behind_the_fence()
    hosts.make_hosts(2)
    with Processes(build, certificates) as processes:
        measure_cuts(processes)
        if make_link(processes):
            measure_link(processes)
        else:
            hosts.skip("no TUN devices here")


def give_up(*_):
    raise TimeoutError(f"it took longer than {LONGEST} s")


def main():
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    build = Path(sys.argv[1]).resolve()
    if not (build / "bench" / "laconic_sites_bench").exists():
        hosts.skip("this build has no sites")
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST)
    if len(sys.argv) == 4:  # this script, behind the fence
        measure_links(build, Path(sys.argv[3]))
        return
    print(f"load average {os.getloadavg()[0]:.2f} at the begin, {os.cpu_count()} cores")
    print(f"{'figure':46}{'measured':>16}{'goal':>14}")
    with tempfile.TemporaryDirectory() as folder:
        certificates = Path(folder) / "certificates"
        make_certificates(build / "laconic", certificates, [f"s{i + 1}" for i in range(max(IDLE_SITES, KILLS))])
        for measure in (measure_loopback, measure_idle, measure_kills):
            with Processes(build, certificates) as processes:
                measure(processes)
        links = subprocess.run([sys.executable, "-B", __file__, str(build), "links", str(certificates)], check=False)
    if links.returncode not in (0, SKIPPED):
        sys.exit(f"sites.py: the links: exit code {links.returncode}")
    skipped = "; links were skipped" if links.returncode == SKIPPED else ""
    print(f"load average {os.getloadavg()[0]:.2f} at the end{skipped}")


if __name__ == "__main__":
    main()
