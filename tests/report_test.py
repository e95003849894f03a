#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""report_test.py PROGRAM: the page of `laconic report` in a browser, as readers use it: with the mouse, with
the keyboard, in dark mode, on paper and on a narrow screen, and without network access. The test controls
Chromium by plain WebDriver over HTTP. Exit code 77 if there is no browser, or the program was built without
its charts."""
import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import xml.etree.ElementTree
from pathlib import Path

from launch import SECONDS, said_by

PROGRAM = sys.argv.pop(1)
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id in the protocol
KEYS = {"Tab": "\ue004", "Space": " ", "Enter": "\ue007", "Left": "\ue012", "Right": "\ue014", "Down": "\ue015"}
ODD = "odd </script> \" & ü"

# Contrast by WCAG 2, of every visible element with text of its own, and of the texts of the figure.
CONTRASTS = """
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = (rgb) => rgb.slice(0, 3).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const rgba = numbers(getComputedStyle(e).backgroundColor);
    if (rgba.length < 4 || rgba[3] > 0) return rgba;
  }
  return [255, 255, 255];
};
const poor = [];
let looked = 0;
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const box = element.getBoundingClientRect();
  if (!own || box.width < 2 || box.height < 2 || element.closest("script, style, option, #legend .off")) continue;
  const style = getComputedStyle(element);
  const [a, b] = [luminance(numbers(element instanceof SVGElement ? style.fill : style.color)), luminance(ground(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  ++looked;
  if (ratio < 4.5) poor.push(`${element.tagName} "${element.textContent.slice(0, 30)}" ${ratio.toFixed(2)}`);
}
return [looked, poor];
"""


class Browser:
    """A headless Chromium, controlled by the WebDriver protocol."""

    def __init__(self):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        port = None
        while port is None:
            line = self.driver.stdout.readline()
            if not line:
                raise RuntimeError("chromedriver does not start")
            port = re.search(r"started successfully on port (\d+)", line)
        self.url = f"http://127.0.0.1:{port[1]}"
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1280,900"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        try:
            answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except Exception:
            self.driver.terminate()
            raise
        self.url += f"/session/{answer['sessionId']}"

    def ask(self, verb, path, body=None):
        data = json.dumps(body or {}).encode() if verb == "POST" else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=verb)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(SECONDS)
            self.driver.stdout.close()

    def open(self, page):
        self.ask("POST", "/url", {"url": page.as_uri()})

    def js(self, script, *arguments):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def log(self, kind):
        return self.ask("POST", "/se/log", {"type": kind})

    def find(self, selector):
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.ask("POST", f"/element/{self.find(selector)}/click")

    def press(self, *names):
        """Sends keys to the element with the focus."""
        strokes = [{"type": kind, "value": KEYS[name]} for name in names for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def choose(self, select, value):
        self.click(f"{select} option[value='{value}']")

    def look(self, dark=False, width=1280):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                                                              {"name": "prefers-reduced-motion", "value": "reduce"}])
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.js("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def laconic(*words):
    code, text = said_by([PROGRAM, *words])
    if code != 0:
        raise RuntimeError(text)


def make_page(folder):
    """Writes a page for two groups of runs, a sweep and its best run, and a run with an odd name; returns its
    path."""
    problem = ["problem=quadratic(d=40, s=0.8)", "clients=5"]
    for method in ("gd", "ef21(top-k(2))", "marina(rand-k(2))"):
        for step in ("theory", "theory*1.5"):
            laconic("run", *problem, f"method={method}", f"step={step}", "rounds=600", "network=10mbit,20ms", f"out={folder}/runs/{method} {step}")
    data = "logistic(generated(rows=30, d=8), lambda=0.1)"
    laconic("run", f"problem={data}", "clients=4", "method=d-sgd(steps=3)", "topology=ring", "step=0.3", "rounds=80", "network=10mbit,20ms",
            f"out={folder}/runs/{ODD}")
    for seed in (1, 2, 3):
        laconic("run", "problem=quadratic(d=40, s=0.8)", "clients=6", "method=marina(rand-k(2))", f"seed={seed}", "rounds=200", f"out={folder}/runs/seed {seed}")
    laconic("run", f"problem={data}", "clients=4", "method=gd", "rounds=60", "eval-every=5", f"out={folder}/runs/other")
    sweep = folder / "runs" / "sweep"
    laconic("sweep", *problem, "method={gd, clag(top-k({1,2}), zeta={1,4})}", "step=theory*{1,4,16}", "target=1e-3", "rounds=3000", "measure=paper-bits",
            "expect=clag / gd <= 1", "figure=round,grad_norm_sq", "curves=cells", f"out={sweep}")
    verdicts = {"experiments": [
        {"name": "lazy", "title": "Lazy <i>and</i> compressed", "paper": "A. Author", "status": "holds",
         "statements": [{"config": "sweep", "scene": "", "claim": "fewer bits", "statement": "clag / gd <= 1", "numbers": "0.1 <= 1", "holds": True}]},
        {"name": "phish", "title": "Phishing", "paper": "", "status": "skipped", "reason": "needs phishing, run make data", "statements": []}]}
    (folder / "runs" / "verdicts.json").write_text(json.dumps(verdicts))
    laconic("report", str(folder / "runs"), "-o", str(folder / "page.html"))
    return folder / "page.html"


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.page = make_page(cls.folder)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.browser.open(self.page)
        self.browser.look()
        self.group("5 clients", "Best")

    def tearDown(self):
        complaints = [entry["message"] for entry in self.browser.log("browser") if entry["level"] != "INFO"]
        self.assertEqual(complaints, [])

    def group(self, wanted, unwanted="sweep"):
        """Shows the first group with `wanted` in its name and without `unwanted`."""
        value = self.browser.js("""return [...document.querySelectorAll("#group option")]
            .find((each) => each.textContent.includes(arguments[0]) && !each.textContent.includes(arguments[1]))?.value""", wanted, unwanted)
        self.browser.choose("#group", value)

    def drawn(self):
        return self.browser.js("return document.querySelector('#figure svg').outerHTML")

    def curves(self):
        """The colours of the curves of the figure: unfilled paths with the line width of curves."""
        return self.browser.js("""return [...document.querySelectorAll("#figure svg path")]
            .filter((path) => path.getAttribute("fill") === "none" && path.getAttribute("stroke-width") === "2").map((path) => path.getAttribute("stroke"))""")

    def assert_changes(self, action):
        before = self.drawn()
        action()
        after = self.drawn()
        self.assertNotEqual(before, after)
        return after

    def text(self, selector):
        return self.browser.js("return document.querySelector(arguments[0]).textContent", selector)

    def test_draws_a_curve_for_each_run(self):
        self.group("5 clients")
        self.assertEqual(len(self.curves()), 6)
        self.assertEqual(len(set(self.curves())), 3)  # one per method
        self.assertEqual(self.browser.js("return document.querySelectorAll('#table tbody tr').length"), 6)
        self.assertIn("bits sent per client", self.drawn())
        self.assertIn("10⁻", self.drawn())

    def test_draws_seeds_as_one_curve_with_a_band(self):
        self.group("6 clients")
        self.assertEqual(len(self.curves()), 1)
        self.assertEqual(self.browser.js("return document.querySelectorAll('#legend li').length"), 1)
        self.assertEqual(self.browser.js("return document.querySelectorAll('#table tbody tr').length"), 3)
        self.assertFalse(self.browser.js("return document.querySelector('#bands').hidden"))
        bands = "return document.querySelectorAll('#figure svg path[fill-opacity], #figure svg path[opacity]').length"
        self.assertEqual(self.browser.js(bands), 1)
        self.assertNotIn("NaN", self.drawn())
        self.group("5 clients")
        self.assertEqual(self.browser.js(bands), 0)
        self.assertTrue(self.browser.js("return document.querySelector('#bands').hidden"))

    def test_every_choice_changes_the_figure(self):
        self.group("5 clients")
        for key in ("both_bits", "round", "oracle_calls", "network_seconds", "seconds", "uplink_bits"):
            with self.subTest(x=key):
                self.assert_changes(lambda key=key: self.browser.choose("#x", key))
        self.assertNotIn("consensus", self.text("#y"))  # these runs have none
        self.assert_changes(lambda: self.browser.click("#log-x"))
        self.assert_changes(lambda: self.browser.click("#log-y"))
        self.assert_changes(lambda: self.browser.choose("#y", "f"))
        self.assertFalse(self.browser.js("return document.querySelector('#log-y').checked"))
        self.assert_changes(lambda: self.group("logistic"))
        self.assert_changes(lambda: self.browser.choose("#y", "consensus"))
        self.assertEqual(len(self.curves()), 1)  # gd has none
        self.assertIn("train_accuracy", self.browser.js("return [...document.querySelectorAll('#y option')].map((each) => each.value)"))

    def test_the_legend_takes_curves_away_and_brings_them_back(self):
        self.group("5 clients")
        whole = self.drawn()
        self.assert_changes(lambda: self.browser.click("#legend li:nth-child(2) input"))
        self.assertEqual(len(self.curves()), 5)
        self.browser.click("#none")
        self.assertEqual(len(self.curves()), 0)
        self.browser.click("#all")
        self.assertEqual(len(re.findall("<path", self.drawn())), len(re.findall("<path", whole)))

    def test_works_by_keyboard(self):
        self.group("5 clients")
        reached = {}
        self.browser.js("document.querySelector('#group').focus()")
        for _ in range(60):
            self.browser.press("Tab")
            name, outline = self.browser.js("""const e = document.activeElement;
                return [e.id || e.dataset.focus || (e.closest("#legend") ? `curve ${e.dataset.run}` : e.tagName), getComputedStyle(e).outlineStyle]""")
            reached.setdefault(name, outline)
            if name == "log-y":
                self.assert_changes(lambda: self.browser.press("Space"))
            elif name == "x":
                self.assert_changes(lambda: self.browser.press("Down"))
            elif name == "figure":
                self.browser.press("Right", "Right", "Right")
                self.assertIn("squared gradient norm", self.text("#spoken"))
                self.assertIn("theory", self.text(".tip"))
            elif name.startswith("curve ") and len(self.curves()) == 6:
                self.assert_changes(lambda: self.browser.press("Space"))
                self.assertEqual(len(self.curves()), 5)
            elif name.startswith("sort |"):
                rows = self.text("#table tbody")
                self.browser.press("Enter")
                self.assertNotEqual(rows, self.text("#table tbody"))
                self.assertEqual(self.browser.js("return document.activeElement.dataset.focus"), name)  # still there
            elif name.startswith("reference "):
                rows = self.text("#table tbody")
                self.browser.press("Down")
                self.assertNotEqual(rows, self.text("#table tbody"))
            elif name == "open-all":
                self.browser.press("Enter")
                self.assertGreater(self.browser.js("return document.querySelectorAll('details.run[open]').length"), 0)
                break
        for control in ("x", "log-x", "y", "log-y", "save-svg", "save-png", "figure", "all", "none", "sort step", "open-all"):
            self.assertIn(control, reached)
            self.assertNotEqual(reached[control], "none", f"{control}: the focus is seen")

    def test_shows_values_under_the_mouse(self):
        self.group("5 clients")
        self.browser.choose("#x", "round")
        box = self.browser.find("#figure")
        for x in (0, 30):
            self.browser.ask("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [
                {"type": "pointerMove", "duration": 0, "x": x, "y": 0, "origin": {ELEMENT: box}}]}]})
        tip = self.text(".tip")
        self.assertIn("gd, step=theory", tip)
        self.assertIn("marina(rand-k(2)), step=theory*1.5", tip)
        self.assertEqual(self.browser.js("return document.querySelectorAll('.tip .swatch').length"), 6)

    def test_saves_the_figure(self):
        self.group("5 clients")
        self.browser.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.folder))
        for ending in ("svg", "png"):
            self.browser.click(f"#save-{ending}")
            path = self.folder / f"grad-norm-sq-uplink-bits.{ending}"
            deadline = time.monotonic() + SECONDS
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            content = path.read_bytes()
            self.assertGreater(len(content), 5000)
            if ending == "svg":
                texts = "".join(xml.etree.ElementTree.fromstring(content).itertext())
                for word in ("bits sent per client", "marina(rand-k(2)), step=theory*1.5", "quadratic(d=40, s=0.8), 5 clients"):
                    self.assertIn(word, texts)
            else:
                self.assertEqual(content[:8], b"\x89PNG\r\n\x1a\n")
                self.assertEqual(int.from_bytes(content[16:20], "big"), 1920)

    def test_sweeps_have_maps_and_verdicts(self):
        self.browser.click("#experiments button")
        self.assertEqual(self.text("#group-title"), "sweep")
        self.assertIn("needs phishing, run make data", self.text("#experiments"))
        self.assertIn("Lazy <i>and</i> compressed", self.text("#experiments"))
        self.assertIn("holds", self.text("#statements"))
        self.assertIn("best/clag.toml", self.text("#best"))
        self.assertIn("paper bits to the target32 bits a value, nothing else", self.text("#best thead"))
        self.assertEqual(len(self.curves()), 5)
        first = self.text("#map table")
        self.assertEqual(self.browser.js("return document.querySelectorAll('#map td.least').length"), 1)
        self.browser.choose("#map-method", "1")
        self.browser.choose("#map-x", "step")
        self.browser.choose("#map-y", "zeta")
        self.assertNotEqual(first, self.text("#map table"))
        self.assertEqual(self.browser.js("return [...document.querySelectorAll('#map tbody th')].map((each) => each.textContent)"), ["1", "4"])

    def test_sets_theory_beside_what_was_measured(self):
        self.group("5 clients")
        self.browser.click("#open-all")
        bounds = self.browser.js("return [...document.querySelectorAll('table.bounds tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")
        self.assertEqual(len(bounds), 6)
        allowed = [row for row in bounds if row[1] != "none"]
        self.assertEqual(len(allowed), 3)
        for _, bound, measured, _ in allowed:
            self.assertLess(float(measured.replace("−", "-")), float(bound.replace("−", "-")))
        self.assertIn("No bound: the step is longer than the theorem allows.", self.text("#details"))

    def table(self):
        """The cells of the table of runs: for each run a dictionary by column name."""
        return self.browser.js("""const names = [...document.querySelectorAll("#table thead th")].map((head) => head.textContent);
            return [...document.querySelectorAll("#table tbody tr")].map((row) => Object.fromEntries([...row.cells].map((cell, i) => [names[i], cell.textContent])))""")

    def test_says_where_not_all_rounds_were_evaluated(self):
        self.group("5 clients")
        self.assertIn("only rounds that were evaluated show", self.text("#table-note"))
        self.assertNotIn("strides", self.text("#table-note"))
        self.group("logistic")
        self.assertIn("evaluated at different strides, every 1 or 5 rounds: their costs to targets do not compare finely", self.text("#table-note"))
        self.assertIn("not measured: rounds were evaluated every 5 only", self.text("#details"))

    def test_shows_no_cost_that_was_not_counted(self):
        self.group("logistic")
        self.browser.choose("#x", "uplink_bits")
        self.assertTrue(self.browser.js("return document.querySelector('#left-out').hidden"))
        self.browser.choose("#x", "network_seconds")
        self.assertEqual(len(self.curves()), 1)
        self.assertEqual(self.text("#left-out"), "Not drawn, for want of modelled seconds: gd.")
        rows = {row["run"]: row for row in self.table()}
        costs = {name: [cell for column, cell in row.items() if column.startswith("to ")] for name, row in rows.items()}
        self.assertEqual(set(costs["gd"]), {"–"})
        others = [cells for name, cells in costs.items() if name != "gd"]
        self.assertTrue(all(cells[0].endswith("s") and "×" not in cells[0] for cells in others), others)

    def test_compares_with_gradient_descent_first(self):
        self.group("5 clients")
        self.assertEqual(self.text("#table tr.reference td.run"), "gd, step=theory")

    def test_words_endings_of_experiments(self):
        def said(*statuses):
            return self.browser.js("return endings(arguments[0].map((status) => ({ status })))", statuses)
        self.assertEqual(said(*["holds"] * 7), "all hold")
        self.assertEqual(said("holds"), "holds")
        self.assertEqual(said("fails", "fails"), "all fail")
        self.assertEqual(said(*["holds"] * 5, "fails", "skipped"), "5 hold, 1 fails, 1 skipped")
        self.assertIn("2 experiments: 1 holds, 1 skipped", self.text("#overview"))

    def test_lists_what_reached_a_norm_of_zero(self):
        def targets(*norms):
            return self.browser.js("return targetsOf(arguments[0].map((grad_norm_sq) => ({ columns: { grad_norm_sq } })))", norms)
        self.assertEqual(targets([5, 0.5, 0.05], [5, 0]), [0, -1])
        self.assertEqual(targets([5, 0.5, 0.05], [5, 0.5]), [0])

    def test_prints_without_runs(self):
        folder = self.folder / "verdicts"
        folder.mkdir()
        shutil.copy(self.folder / "runs" / "verdicts.json", folder)
        laconic("report", str(folder), "-o", str(folder / "page.html"))
        self.browser.open(folder / "page.html")
        pdf = base64.b64decode(self.browser.devtools("Page.printToPDF")["data"])
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertIn("needs phishing", self.text("#experiments"))  # and no complaint, see tearDown()

    def test_shows_odd_names_as_they_are(self):
        self.group("logistic")
        self.browser.click("#open-all")
        self.assertIn(ODD, self.text("#details"))

    def test_is_legible_in_light_and_dark(self):
        for wanted in ("5 clients", "sweep"):
            self.group(wanted, "never" if wanted == "sweep" else "sweep")
            self.browser.click("#open-all")
            for dark in (False, True):
                with self.subTest(group=wanted, dark=dark):
                    self.browser.look(dark)
                    looked, poor = self.browser.js(CONTRASTS)
                    self.assertGreater(looked, 100)
                    self.assertEqual(poor, [])
        light, dark = (self.browser.look(dark) or self.browser.js("return getComputedStyle(document.body).backgroundColor") for dark in (False, True))
        self.assertNotEqual(light, dark)

    def test_fits_a_narrow_screen(self):
        for width in (1280, 600, 400, 360):
            self.browser.look(width=width)
            for wanted in ("5 clients", "6 clients", "logistic"):
                self.group(wanted)
                self.browser.click("#open-all")
                self.assertLessEqual(self.browser.js("return document.documentElement.scrollWidth"), width)
                self.assertGreater(self.browser.js("return document.querySelector('#figure svg').getBoundingClientRect().height"), 300)

    def test_prints(self):
        self.group("5 clients")
        self.browser.look(dark=True)
        before = self.drawn()
        self.browser.js("window.opened = 0; addEventListener('beforeprint', () => (window.opened = document.querySelectorAll('details.run[open]').length))")
        pdf = base64.b64decode(self.browser.devtools("Page.printToPDF", preferCSSPageSize=True)["data"])
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertGreater(len(pdf), 20000)
        self.assertEqual(self.browser.js("return window.opened"), 6)
        self.browser.look(dark=True)
        self.assertEqual(self.browser.js("return document.querySelectorAll('details.run[open]').length"), 0)
        self.assertEqual(len(re.findall("<path", self.drawn())), len(re.findall("<path", before)))

    def test_asks_nothing_of_the_network(self):
        self.browser.log("performance")
        self.browser.open(self.page)
        self.group("5 clients")
        self.browser.click("#log-x")
        asked = [json.loads(entry["message"])["message"] for entry in self.browser.log("performance")]
        urls = [event["params"]["request"]["url"] for event in asked if event["method"] == "Network.requestWillBeSent"]
        self.assertIn(self.page.as_uri(), urls)
        self.assertEqual([url for url in urls if not url.startswith(("file:", "data:", "blob:"))], [])


if __name__ == "__main__":
    for needed in ("chromedriver", "chromium"):
        if shutil.which(needed) is None:
            print(f"skipped: there is no {needed}")
            sys.exit(77)
    if "without its charting library" in said_by([PROGRAM, "report"])[1]:
        print("skipped: the program was built without charts; tools/fetch_charts.sh")
        sys.exit(77)
    unittest.main()
