# SPDX-License-Identifier: Apache-2.0
"""Tests tools/fetch_data.py with a server on this machine that has good and bad copies of small data sets."""

import bz2
import contextlib
import gzip
import hashlib
import http.server
import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent / "tools" / "fetch_data.py"
sys.path.insert(0, str(TOOL.parent))
sys.dont_write_bytecode = True
import fetch_data  # noqa: E402

TEXT = b"-1 1:1 3:0\n+1\n+1 2:-1.8e-05\n"
FIRST, SECOND = b"-1 1:1 3:0\n+1\n", b"+1 2:-1.8e-05\n"
PIXELS = b"\x00\x00\x08\x03\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02ab"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


SETS = (
    fetch_data.libsvm_set("whole", 3, 3, 3, sha256(TEXT)),
    fetch_data.libsvm_set("halves", 3, 3, 3, sha256(TEXT), sources=("halves.tr.bz2", "halves.val.bz2")),
    fetch_data.DataSet(
        "images", (fetch_data.IdxFile("one", sha256(PIXELS)), fetch_data.IdxFile("two", sha256(b"x")))
    ),
)


class Server:
    """Answers GET from a dictionary; a value that is a number is an HTTP status; `cut` paths close early."""

    def __init__(self):
        self.files = {}
        self.cut = set()
        self.asked = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.asked.append(self.path)
                body = owner.files.get(self.path, 404)
                if isinstance(body, int):
                    self.send_error(body)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if self.path in owner.cut else body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}/mirror"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class FetchDataTest(unittest.TestCase):
    def setUp(self):
        for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            os.environ.pop(variable, None)
        self.server = Server()
        self.addCleanup(self.server.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name) / "data"

    def serve(self, name, body):
        self.server.files["/mirror/" + name] = body

    def fetch(self, *only, base=None):
        """Exit code, standard output, standard error."""
        out, err = io.StringIO(), io.StringIO()
        arguments = ["--out", str(self.out), "--base", base or self.server.base]
        if only:
            arguments += ["--only", *only]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = fetch_data.main(arguments, SETS)
        return code, out.getvalue(), err.getvalue()

    def written(self):
        return sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []

    def content(self, name):
        return gzip.decompress((self.out / name).read_bytes())

    def test_fetches_all_sets_and_then_none(self):
        self.serve("whole", TEXT)
        self.serve("halves.tr.bz2", bz2.compress(FIRST))
        self.serve("halves.val.bz2", bz2.compress(SECOND))
        self.serve("one.gz", gzip.compress(PIXELS))
        self.serve("two.gz", b"x")
        self.assertEqual(self.fetch(), (0, "whole: fetched\nhalves: fetched\nimages: fetched\n", ""))
        self.assertEqual(self.written(), ["halves.gz", "one.gz", "two.gz", "whole.gz"])
        self.assertEqual(self.content("whole.gz"), TEXT)
        self.assertEqual(self.content("halves.gz"), TEXT)
        self.assertEqual(self.content("one.gz"), PIXELS)
        self.server.asked.clear()
        everything = "whole: already there\nhalves: already there\nimages: already there\n"
        self.assertEqual(self.fetch(), (0, everything, ""))
        self.assertEqual(self.server.asked, [])

    def test_writes_the_same_bytes_for_every_copy(self):
        stored = set()
        for copy in (
            TEXT,
            TEXT.rstrip(b"\n"),
            TEXT.replace(b"\n", b"\r\n"),
            TEXT.replace(b"\n", b" \t\n") + b"\n",
            gzip.compress(TEXT, mtime=12345),
            bz2.compress(TEXT),
        ):
            self.serve("whole", copy)
            self.assertEqual(self.fetch("whole"), (0, "whole: fetched\n", ""))
            stored.add((self.out / "whole.gz").read_bytes())
            (self.out / "whole.gz").unlink()
        self.assertEqual(len(stored), 1)
        self.assertEqual(stored.pop()[4:8], bytes(4))  # no modification time

    def test_halves_join_where_the_first_lacks_its_line_end(self):
        self.serve("halves.tr.bz2", bz2.compress(FIRST.rstrip(b"\n")))
        self.serve("halves.val.bz2", SECOND)
        self.assertEqual(self.fetch("halves"), (0, "halves: fetched\n", ""))
        self.assertEqual(self.content("halves.gz"), TEXT)

    def test_accepts_other_spelling_with_a_note(self):
        self.serve("whole", TEXT.replace(b"+1", b"1"))
        note = "(another checksum, but rows, highest index and entries agree)\n"
        self.assertEqual(self.fetch("whole"), (0, "whole: fetched " + note, ""))
        self.assertEqual(self.fetch("whole"), (0, "whole: already there " + note, ""))

    def test_refuses_what_is_not_the_set(self):
        expected = "not the set: expected 3 rows, highest index 3, 3 entries; found "
        for body, message in (
            (TEXT + b"1 1:1\n", expected + "4, 3, 4"),
            (TEXT.replace(b"3:0", b"4:0"), expected + "3, 4, 3"),
            (TEXT.replace(b" 3:0", b""), expected + "3, 2, 2"),
            (b"", expected + "0, 0, 0"),
            (b"<html>\nNot here\n", "not LIBSVM text: line 1 is b'<html>'"),
            (b"1 1:1\n\n1 1:1\n", "not LIBSVM text: line 2 is b''"),
            (b"1 1:1\n1 1=1\n", "not LIBSVM text: line 2 is b'1 1=1'"),
        ):
            self.serve("whole", body)
            self.assertEqual(self.fetch("whole"), (1, f"whole: FAILED: {message}\n", ""))
            self.assertEqual(self.written(), [])

    def test_refuses_images_that_merely_look_alike(self):
        other = PIXELS.replace(b"ab", b"cd")
        self.serve("one.gz", gzip.compress(other))
        message = f"images: FAILED: one: expected sha256 {sha256(PIXELS)}, found {sha256(other)}\n"
        self.assertEqual(self.fetch("images"), (1, message, ""))
        self.assertEqual(self.written(), [])

    def test_refuses_cut_and_corrupt_downloads(self):
        for body in (gzip.compress(TEXT)[:-4], bz2.compress(TEXT)[:-4], b"BZh91AY&SYrubbish"):
            self.serve("whole", body)
            code, out, _ = self.fetch("whole")
            self.assertEqual(code, 1)
            self.assertTrue(out.startswith("whole: FAILED: cut off or corrupt: "), out)
        flipped = bytearray(gzip.compress(TEXT))
        flipped[-6] ^= 1
        self.serve("whole", bytes(flipped))
        _, out, _ = self.fetch("whole")
        self.assertTrue(out.startswith("whole: FAILED: cut off or corrupt: CRC check failed"), out)
        self.serve("whole", TEXT)
        self.server.cut.add("/mirror/whole")
        cut = f"whole: FAILED: {self.server.base}/whole: cut off after {len(TEXT) // 2} bytes\n"
        self.assertEqual(self.fetch("whole"), (1, cut, ""))
        self.assertEqual(self.written(), [])

    def test_one_failure_does_not_stop_the_others(self):
        self.serve("whole", 503)
        self.serve("halves.tr.bz2", bz2.compress(FIRST))
        self.serve("one.gz", PIXELS)
        self.serve("two.gz", b"x")
        code, out, err = self.fetch()
        base = self.server.base
        self.assertEqual(code, 1)
        self.assertEqual(
            out.splitlines(),
            [
                f"whole: FAILED: {base}/whole: HTTP status 503 (Service Unavailable)",
                f"halves: FAILED: {base}/halves.val.bz2: HTTP status 404 (Not Found)",
                "images: fetched",
            ],
        )
        self.assertEqual(err, "")
        self.assertEqual(self.written(), ["one.gz", "two.gz"])

    def test_replaces_a_broken_file_but_only_by_a_good_one(self):
        self.out.mkdir()
        broken = gzip.compress(TEXT)[:-1]
        (self.out / "whole.gz").write_bytes(broken)
        self.assertEqual(self.fetch("whole")[0], 1)
        self.assertEqual((self.out / "whole.gz").read_bytes(), broken)
        self.serve("whole", TEXT)
        self.assertEqual(self.fetch("whole"), (0, "whole: fetched\n", ""))
        self.assertEqual(self.content("whole.gz"), TEXT)

    def test_goes_on_to_the_next_mirror(self):
        self.serve("whole", TEXT)
        data_set = fetch_data.DataSet("whole", SETS[0].files, (self.server.base + "/none/", self.server.base))
        self.out.mkdir()
        self.assertEqual(fetch_data.Fetcher(self.out, None).fetch_set(data_set), "fetched")
        self.assertEqual(self.server.asked, ["/mirror/none/whole", "/mirror/whole"])

    def test_says_that_there_is_no_network(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
            base = f"http://127.0.0.1:{unused.getsockname()[1]}"
            code, out, err = self.fetch(base=base)
        self.assertEqual(code, 1)
        lines = out.splitlines()
        self.assertRegex(lines[0], f"^whole: FAILED: {base}/whole: no connection \\(.*refused.*\\)$")
        self.assertEqual(lines[1], f"halves: FAILED: {base}/halves.tr.bz2: no connection, as before")
        self.assertEqual(len(lines), 3)
        self.assertEqual(
            err,
            f"No network? Copy the sets into {self.out}/ by hand, "
            "or set LACONIC_DATA to a folder that has them.\n",
        )

    def test_says_that_it_cannot_write(self):
        self.serve("whole", TEXT)
        self.out.write_text("a file where the folder should be")
        code, out, _ = self.fetch("whole")
        self.assertEqual(code, 1)
        self.assertRegex(out, "^whole: FAILED: .*File exists")

    def test_command_line(self):
        def run(*arguments):
            done = subprocess.run(
                [sys.executable, str(TOOL), *arguments], capture_output=True, text=True, check=False
            )
            return done.returncode, done.stdout, done.stderr.splitlines()[-1]

        code, out, error = run("--only", "a9b")
        self.assertEqual((code, out), (2, ""))
        known = "a1a a9a a9a.t w8a mushrooms phishing ijcnn1 mnist"
        self.assertEqual(error, f"fetch_data.py: error: unknown data set 'a9b'; known: {known}")
        code, _, error = run("--base", "127.0.0.1")
        self.assertEqual(code, 2)
        self.assertTrue(error.endswith("expected one such as http://127.0.0.1:8000/"), error)


class RealSetsTest(unittest.TestCase):
    """The listed checksums and counts match the real data sets, if LACONIC_DATA has them."""

    def test_listed_checksums_and_counts(self):
        folders = [Path(folder) for folder in os.environ.get("LACONIC_DATA", "").split(":") if folder]
        checked = 0
        for data_set in fetch_data.SETS:
            for file in data_set.files:
                places = [folder / (file.name + ".gz") for folder in folders]
                path = next(filter(Path.exists, places), None)
                if path is None:
                    continue
                content = gzip.decompress(path.read_bytes())
                self.assertEqual(file.check(file.normalise(content)), "", file.name)
                if isinstance(file, fetch_data.LibsvmText):
                    expected = (file.rows, file.highest, file.entries)
                    self.assertEqual(fetch_data.count(content), expected, file.name)
                checked += 1
        if not checked:
            self.skipTest("none of the sets is in LACONIC_DATA")


if __name__ == "__main__":
    unittest.main()
