# SPDX-License-Identifier: Apache-2.0
"""`laconic serve` and `laconic join` as processes, for tests and benchmarks."""
import csv
import subprocess
import time

from attendance import attendance, lines_in
from launch import ENVIRONMENT, SECONDS, said_by


class Process(subprocess.Popen):
    """A command in the background, with its output in a file."""

    def __init__(self, log, *command):
        self.log = log
        with log.open("w") as text:
            super().__init__([*map(str, command)], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=text,
                             stderr=subprocess.STDOUT)

    @property
    def text(self):
        return self.log.read_text()

    def kill(self):
        super().kill()
        self.wait()

    def ended(self):
        """Waits for the end; returns the exit code."""
        return self.wait(SECONDS)


def until(happens, *processes):
    """Waits until it happens. Fails if it takes too long, or if one of the processes has ended before."""
    begin = time.monotonic()
    while not happens():
        for process in processes:
            assert process.poll() is None or happens(), process.text
        assert time.monotonic() < begin + SECONDS, "it does not happen"
        time.sleep(0.01)


def make_certificates(program, folder, names):
    code, text = said_by([program, "certificates", str(folder), *names])
    assert code == 0, text


class Sites:
    """A server and its sites. One folder has their files: `tls`, `roster`, and the rows of a site in NAME.svm."""

    def __init__(self, program, folder, rows):
        """`rows`: text by the name of the site."""
        self.program, self.folder = program, folder
        self.started = []
        make_certificates(program, folder / "tls", rows)
        (folder / "roster").write_text("".join(f"{name}\n" for name in rows))
        for name, text in rows.items():
            (folder / f"{name}.svm").write_text(text)

    def start(self, name, *words, inside=()):
        """`inside`: the words before the program."""
        process = Process(self.folder / f"{len(self.started)}-{name}.log", *inside, self.program, *words)
        self.started.append(process)
        return process

    def serve(self, *words, host="127.0.0.1", port=0, inside=()):
        """A server, and its port."""
        server = self.start("server", "serve", *words, f"listen={host}:{port}", f"tls={self.folder}/tls/server",
                            f"roster={self.folder}/roster", inside=inside)
        until(lambda: "port " in server.text, server)
        return server, int(server.text.split("port ")[1].split()[0].rstrip(";"))

    def join(self, name, port, *words, host="127.0.0.1", tls="tls", data=None, inside=()):
        return self.start(name, "join", f"{host}:{port}", f"tls={self.folder}/{tls}/{name}",
                          f"data={data or self.folder / f'{name}.svm'}", *words, inside=inside)

    def end(self):
        for process in self.started:
            process.kill()


def members(out):
    """Name, event and reason of each row of members.csv."""
    with (out / "members.csv").open() as file:
        return [(row["name"], row["event"], row["reason"]) for row in csv.DictReader(file)]


def events(out, name):
    return [event for who, event, _ in members(out) if who == name]


def counted(out):
    """The clients that counted in the last round; none before the first."""
    return attendance(out)[-1].counted if lines_in(out / "attendance.csv") > 1 else []
