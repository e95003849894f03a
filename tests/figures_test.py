#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""figures_test.py PROGRAM: `laconic plot` writes a complete figure or leaves the old file unchanged; the
figure shows every name unaltered; it does not depend on the user's settings of gnuplot; and the keys of `plot`
do what they say."""
import json
import os
import re
import resource
import signal
import subprocess
import sys
import unittest
import xml.etree.ElementTree
import zlib
from pathlib import Path

from launch import ENVIRONMENT, InFolder, said_by

PROGRAM = sys.argv.pop(1)
NAMES = ["'", "''", "'a'", "it's ''two''", '"', '"quoted"', "\\", "\\n \\101 \\U+0041", "`date`", "$(date) $x", "@x", "a_b^{c}",
         "{/Bold x}", "&", "&amp; &#65; &lt;", "<b>&</b>", "]]>", "<!-- x -->", "100%", "%s %d %%", "#", "# no comment", ";", "~a",
         "marina(rand-k(2)), step=theory*2", "é ü ß", "字幕", "😀", "-", "x" * 300, "字" * 50 + "典" * 60]


def shortened(name):
    """The text as a figure shows it: at most 80 characters; longer texts lose their middle."""
    return name if len(name) <= 80 else name[:40] + "\u2026" + name[-39:]


def texts_of(svg):
    return [text.text for text in xml.etree.ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text")]


def assert_whole_png(content):
    """Checks that every chunk up to the last is present, with its checksum."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    at = 8
    while at < len(content):
        length, kind = int.from_bytes(content[at:at + 4], "big"), content[at + 4:at + 8]
        body = content[at + 4:at + 8 + length]
        assert zlib.crc32(body) == int.from_bytes(content[at + 8 + length:at + 12 + length], "big")
        at += 12 + length
    assert kind == b"IEND" and at == len(content)


class Figures(InFolder):
    def setUp(self):
        super().setUp()
        self.run_folder = self.run_of("gd")
        self.figure = self.folder / "figure.svg"

    def run_of(self, method, name="run", columns="round,grad_norm_sq,uplink_bits", bits=32, **more):
        """A folder like one that `laconic run` writes. `more` describes the run."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        (folder / "trace.csv").write_text(columns + "\n" + "".join(f"{r},{10.0**-r},{bits * r}\n" for r in range(5)))
        if method is not None:
            (folder / "summary.json").write_text(json.dumps({"description": {"method": method, **more}}))
        return folder

    def plot(self, *words, **environment):
        return said_by([PROGRAM, "plot", self.run_folder, *words], environment)

    def drawn(self, *words, **environment):
        code, text = self.plot(*words, f"out={self.figure}", **environment)
        self.assertEqual(code, 0, text)
        return self.figure.read_bytes()

    def assert_stays(self, before, command, why, **options):
        """The command fails for that reason, and the figure and all files beside it are unchanged."""
        files = sorted(os.listdir(self.figure.parent))
        done = subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              **options)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"\Alaconic: [^\n]*" + why + r"[^\n]*\n\Z")
        self.assertEqual(self.figure.read_bytes(), before)
        self.assertEqual(sorted(os.listdir(self.figure.parent)), files)

    def test_names_are_drawn_as_they_are(self):
        runs = [self.run_of(name, f"run{i}") for i, name in enumerate(NAMES)]
        for some in (range(len(NAMES) - 2), range(len(NAMES) - 2, len(NAMES))):  # as many as fit into a legend
            code, text = said_by([PROGRAM, "plot", *(runs[i] for i in some), f"out={self.figure}"])
            self.assertEqual(code, 0, text)
            texts = texts_of(self.figure)
            for i in some:
                if NAMES[i].startswith("字" * 3):  # wider than the figure
                    self.assertEqual(len([text for text in texts if text and re.fullmatch("字{20,}…典{20,}", text)]), 1)
                else:
                    self.assertIn(shortened(NAMES[i]), texts)
        for title in ("'", "it's ''two''", "\\", "`date` @x", "<b>&amp;</b>]]>", NAMES[-1]):
            self.drawn(f"title={title}")
            self.assertIn(shortened(title), texts_of(self.figure))
        for ending, assert_whole in (("png", assert_whole_png), ("pdf", lambda c: self.assertTrue(c.rstrip().endswith(b"%%EOF")))):
            out = self.folder / f"figure.{ending}"
            code, text = said_by([PROGRAM, "plot", *runs, f"title={NAMES[3]}", f"out={out}"])
            self.assertEqual(code, 0, text)
            assert_whole(out.read_bytes())

    def test_axes_are_named_as_the_columns_are(self):
        for i, name in enumerate(["it's ''", 'a"b', "<&>_^{}", "%d%%"]):
            self.run_folder = self.run_of("gd", f"axis{i}", f"round,{name},uplink_bits")
            self.drawn(f"y={name}")
            self.assertIn(name, texts_of(self.figure))

    def test_bytes_that_no_format_holds_are_replaced(self):
        for title, text in ((b"a\xff\xc3b", "a\ufffd\ufffdb"), (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"), (b"\xef\xbf\xbf", "\ufffd"),
                            (b"a\nb\tc\x01d\x7f", "a b c d "), (b"\xf4\x90\x80\x80", "\ufffd" * 4)):
            self.drawn(b"title=" + title)
            self.assertIn(text, texts_of(self.figure))
        killed = Path(os.fsdecode(os.fsencode(self.folder) + b"/k\xff"))
        self.run_of(None, killed.name)
        self.run_folder = killed
        self.drawn()
        self.assertIn("k\ufffd", texts_of(self.figure))

    def test_files_of_any_name(self):
        for name in ("it's.svg", '"q" \\.svg', "a\nb.svg", "{@x_^&<>}.svg", "字.svg", "new/folder/x.svg", os.fsdecode(b"\xff.svg")):
            out = self.folder / "out" / name
            code, text = self.plot(f"out={out}")
            self.assertEqual(code, 0, text)
            texts_of(out)

    def test_values_that_no_axis_holds(self):
        for rows in ("0,inf,0\n", "0,nan,0\n1,-inf,5\n"):
            (self.run_folder / "trace.csv").write_text("round,grad_norm_sq,uplink_bits\n" + rows)
            for log in ("", "y"):
                code, text = self.plot(f"log={log}", f"out={self.figure}")
                self.assertEqual(code, 2, text)
                self.assertRegex(text, r'\Alaconic: .*/trace.csv: no (row|value) [^\n]*\n\Z')
        self.run_folder = self.run_of("gd", "other", "round,grad_norm_sq,uplink_bits")
        (self.run_folder / "trace.csv").write_text("round,grad_norm_sq,uplink_bits\n0,1,0\n1,inf,5\n2,nan,6\n3,2,7\n")
        self.drawn("log=")  # draws only the finite values

    def test_seeds_are_one_curve_and_one_row(self):
        for seed in range(3):
            self.run_of("ef21", f"all/ef21-{seed}", bits=16 + seed, step="1", seed=seed)
        code, text = self.plot(self.folder / "all", f"out={self.figure}")
        self.assertEqual(code, 0, text)
        texts = texts_of(self.figure)
        self.assertEqual(texts.count("ef21, 3 seeds"), 1)
        self.assertIn("lines: medians over seeds; bands: from the least to the greatest", texts)
        self.assertRegex(text, r"\nef21 +1 +3 +4 \+- 0 .* 68 bit \+- 4 bit .* [0-9.]+x\n")

    def test_axes_are_logarithmic_where_curves_span_decades(self):
        other = self.run_of("ef21", "other", bits=32 * 100)
        for words, count in (([], 2), (["log=none"], 0), (["log=y"], 1), (["log=xy"], 2)):
            self.drawn(other, *words)
            powers = self.figure.read_text().count(">10<")
            self.assertGreaterEqual(powers, 3 * count, words)
            self.assertEqual(powers > 0, count > 0, words)
        self.assertEqual(self.plot("log=z")[0], 2)

    def test_texts_can_be_given(self):
        self.drawn("labels=gd=Gradient descent", "xlabel=bits", "ylabel=|g|", "title=A figure", "names=ends")
        for text in ("Gradient descent", "bits", "|g|", "A figure"):
            self.assertIn(text, texts_of(self.figure))
        for words, why in ((["labels=fd=x"], 'no curve is named "fd"'), (["labels=gd"], "need NAME=LABEL"),
                           (["xrange=3"], "need two numbers"), (["xrange=5:1"], "the smaller end first"),
                           (["yrange=0:1"], "a logarithmic axis needs values above 0"), (["size=3"], "need width x height"),
                           (["font=1"], "need a size"), (["style=papr"], 'did you mean "paper"'), (["names=end"], 'did you mean "ends"')):
            code, text = self.plot(*words)
            self.assertEqual(code, 2, words)
            self.assertIn(why, text)

    def test_ranges_and_sizes(self):
        self.drawn("xrange=0:500", "log=none", "size=400x300", "font=9")
        self.assertIn("500", texts_of(self.figure))
        self.assertRegex(self.figure.read_text(), 'viewBox="0 0 400 300"')

    def test_figures_for_papers(self):
        code, text = self.plot("style=paper", f"out={self.folder}/figure.pdf")
        self.assertEqual(code, 0, text)
        content = (self.folder / "figure.pdf").read_bytes()
        box = re.search(rb"/MediaBox \[ 0 0 ([0-9.]+) ([0-9.]+) \]", content)
        self.assertAlmostEqual(float(box[1]), 8.4 / 2.54 * 72, delta=1)
        code, text = self.plot(f"out={self.folder}/figure.tex", "--latex")
        self.assertEqual(code, 0, text)
        self.assertIn("\\begin{tabular}{llrrrr", text)
        tex = (self.folder / "figure.tex").read_text()
        for part in ("\\begin{tikzpicture}", "\\addlegendentry{gd}", "ymode=log", "\n128 0.0001\\\\\n", "\\end{axis}"):
            self.assertIn(part, tex)
        self.assertEqual(tex.count("{"), tex.count("}"))

    def test_seconds_without_a_clock_are_refused(self):
        folder = self.run_of("gd", "timeless", "round,grad_norm_sq,network_seconds", bits=0)
        code, text = said_by([PROGRAM, "plot", folder, "x=network_seconds", f"out={self.figure}"])
        self.assertEqual(code, 2)
        self.assertRegex(text, r"\Alaconic: .*the run has no modelled clock; network=, compute= or stragglers [^\n]*\n\Z")

    def test_the_gap_needs_the_minimum(self):
        folder = self.run_of("gd", "known", "round,f,uplink_bits")
        plot = [PROGRAM, "plot", folder, f"out={self.figure}"]
        self.assertIn("does not know f*", said_by([*plot, "y=gap"])[1])
        (folder / "summary.json").write_text(json.dumps({"description": {"method": "gd"}, "constants": {"f_star": 1e-9}}))
        self.assertIn("y=gap draws f - f*", said_by([*plot, "y=f"])[1])
        code, text = said_by([*plot, "y=gap"])
        self.assertEqual(code, 0, text)
        self.assertIn("f − f*", texts_of(self.figure))

    def test_settings_of_the_user_do_not_count(self):
        figure = self.drawn("title=t")
        home = self.folder / "home"
        (home / ".config/gnuplot").mkdir(parents=True)
        for file in (".gnuplot", ".config/gnuplot/gnuplotrc"):
            (home / file).write_text("set xrange [0:1]\nset title 'mine'\nset decimalsign ','\nset key off\n")
        self.assertEqual(self.drawn("title=t", HOME=str(home)), figure)
        self.assertEqual(self.drawn("title=t", GNUTERM="no-terminal", LC_ALL="de_DE.UTF-8", LANG="C"), figure)
        self.assertEqual(self.drawn("title=t", GNUTERM="x11 persist", TMPDIR="/nowhere", GNUPLOT_LIB="/nowhere"), figure)
        (home / ".gnuplot").write_text("exit\n")
        self.assertEqual(self.drawn("title=t", HOME=str(home)), figure)

    def test_a_gnuplot_that_fails_leaves_what_was_there(self):
        before = self.drawn()
        tools = self.folder / "tools"
        tools.mkdir()
        command = ["env", f"PATH={tools}", PROGRAM, "plot", str(self.run_folder), f"out={self.figure}"]
        self.assert_stays(before, command, "apt-get install gnuplot-nox")
        for script, why in (("echo '<?xml version=\"1.0\"?><svg>'", "not complete"), ("", "not complete"),
                            ("echo wrong >&2; echo '  ^  ' >&2; exit 3", "gnuplot failed: wrong"),
                            ("kill -9 $$", "killed by signal 9")):
            (tools / "gnuplot").write_text("#!/bin/sh\n" + script + "\n")
            (tools / "gnuplot").chmod(0o755)
            self.assert_stays(before, command, why)
        (tools / "gnuplot").chmod(0o644)
        self.assert_stays(before, command, "cannot be started: Permission denied")

    def test_a_file_size_limit_leaves_what_was_there(self):
        before = self.drawn()
        command = [PROGRAM, "plot", str(self.run_folder), "title=other", f"out={self.figure}"]
        for limit in (0, 1, 1000, len(before) // 2):
            def limit_files(limit=limit):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write fails, as on a full disk
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            self.assert_stays(before, command, "figure", preexec_fn=limit_files)

    def test_a_full_disk_leaves_what_was_there(self):
        disk = self.folder / "disk"
        disk.mkdir()
        figure, before = disk / "figure.svg", self.drawn()
        script = ('mount -t tmpfs -o size=32k none "$1" || exit 77\ncp "$2" "$3"\ncat /dev/zero >"$1/filler" 2>/dev/null\n'
                  '"$4" plot "$5" title=other "out=$3"; code=$?\ncmp "$2" "$3" || exit 99\n[ "$(ls "$1" | wc -l)" = 2 ] || exit 98\n'
                  'exit $code')
        done = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", script, "-", disk, self.figure, figure, PROGRAM,
                               self.run_folder], env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode == 77 or "unshare" in done.stderr:
            self.skipTest("no file system can be mounted here")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("No space left on device", done.stderr)
        self.assertEqual(self.figure.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
