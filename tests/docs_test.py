#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs_test.py [PROGRAM]: the documentation names only files and symbols that exist, and with a program docs/reference.md
is what the program prints.

The test reads docs/*.md and the Markdown files of the root. These are the rules, for what stands in backticks:
  1. A path that begins with a folder of the repository or a room of laconic/ exists: `cli/main.cc`, `core/rng.h`. A *
     stands for any name, and {h,cc} for each of its parts. A file name alone, as `star.cc`, exists in some folder.
  2. The parts of a name with ::, as in `Star::round`, are words of one source file.
  3. The name before a parenthesis, as in `solve()` or `rand-k(10)`, is a word of some source file.
  4. A name alone that begins with a capital letter, as `StarParts`, or with k and one, as `kKeys`, or that has an
     underscore, as `by_count`, is a word of some source file, or a file of the root.
Source files are *.h, *.cc, *.py and CMakeLists.txt. In code blocks rules 1 and 2 hold. Relative links lead to files
that exist, and their anchors to headings. README.md is short enough to be read at once.
"""
import itertools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["laconic", "cli", "python", "tests", "tools", "bench", "configs", "examples", "docs", "fuzz", "cmake", "demo"]
SUFFIXES = (".h", ".cc", ".py")
MOST_WORDS = 1300  # of README.md

PATH = re.compile(r"(?<![\w./$}-])((?:\.\./)?[\w-]+(?:/[\w.*{},-]+)+/?)(?![\w/])")
FILE = re.compile(r"[\w-]+\.(?:h|cc|py)")
QUALIFIED = re.compile(r"\b\w+(?:::\w+)+\b")
CALL = re.compile(r"(?<![\w.:-])([A-Za-z_][\w-]*)\(")
NAME = re.compile(r"[A-Z]\w*[a-z]\w*|k[A-Z]\w+|[A-Za-z]\w*_\w+")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
CODE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


class Tree:
    """The files of the repository and the words of its source files."""

    def __init__(self):
        self.folders = FOLDERS
        self.rooms = sorted(path.name for path in (ROOT / "laconic").iterdir() if path.is_dir())
        files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
        sources = [path for path in files if path.suffix in SUFFIXES or path.name == "CMakeLists.txt"]
        sources.remove(pathlib.Path(__file__).resolve())  # its examples name what does not exist
        self.file_names = {path.name for path in sources}
        texts = [path.read_text() for path in [*sources, ROOT / "CMakeLists.txt"]]
        self.words_of_files = [set(re.findall(r"\w+", text)) for text in texts]
        self.words = set().union(*self.words_of_files)
        self.hyphenated = set(itertools.chain(*(re.findall(r"[\w]+(?:-[\w]+)+", text) for text in texts)))

    def has_path(self, path):
        """Also true of a path that begins with no folder of the repository."""
        path = path.removeprefix("../")
        first = path.split("/")[0]
        if first in self.folders:
            return self.exists(ROOT, path)
        return first not in self.rooms or self.exists(ROOT / "laconic", path) or self.exists(ROOT, path)

    @staticmethod
    def exists(folder, path):
        return all(any(folder.glob(each.rstrip("/"))) for each in without_braces(path))

    def has_word(self, word):
        return word in self.words or word in self.hyphenated

    def has_qualified(self, name):
        return any(words.issuperset(name.split("::")) for words in self.words_of_files)


def without_braces(path):
    """a.{h,cc} -> a.h, a.cc"""
    found = re.search(r"\{([^}]*)\}", path)
    if not found:
        return [path]
    return [path[:found.start()] + part + path[found.end():] for part in found[1].split(",")]


def unknown_in_code(tree, code):
    """The names of a text in backticks that do not exist."""
    unknown = unknown_in_block(tree, code)
    if FILE.fullmatch(code) and code not in tree.file_names:
        unknown.append(code)
    unknown += [name for name in CALL.findall(code) if not tree.has_word(name)]
    if NAME.fullmatch(code) and not tree.has_word(code) and not (ROOT / code).is_file():
        unknown.append(code)
    return unknown


def unknown_in_block(tree, block):
    """The same of a code block."""
    unknown = [path for path in PATH.findall(block) if not tree.has_path(path.rstrip(".,"))]
    return unknown + [name for name in QUALIFIED.findall(block) if not tree.has_qualified(name)]


def without_blocks(text):
    """The text with blanks in place of its code blocks."""
    return BLOCK.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)


def anchors_of(text):
    """The anchors that GitHub gives the headings of a page."""
    headings = HEADING.findall(without_blocks(text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def has_target(path, text, link):
    """Whether the file of a link on the page `path` exists, and has the heading of its anchor."""
    file, anchor = link.groups()
    target = (ROOT / path).parent.joinpath(file) if file else None
    if target and not target.exists():
        return False
    return not anchor or anchor in anchors_of(target.read_text() if target else text)


def failures_of(tree, path, text):
    """A line for each name that does not exist."""
    failures = []

    def note(position, names):
        line = text.count("\n", 0, position) + 1
        failures.extend(f"{path}:{line}: {name} does not exist" for name in names)

    for block in BLOCK.finditer(text):
        note(block.start(), unknown_in_block(tree, block[0]))
    prose = without_blocks(text)
    for code in CODE.finditer(prose):
        note(code.start(), unknown_in_code(tree, " ".join(code[1].split())))
    for link in LINK.finditer(prose):
        if not has_target(path, text, link):
            note(link.start(), [link[0][2:-1]])
    return failures


def check_the_test_itself(tree):
    """The rules find what they are to find."""
    right = ["laconic/core/rng.h", "core/rng.h", "rng.h", "rounds/gossip.{h,cc}", "configs/*.toml", "tests/reference",
             "runs/none", "Star::round", "laconic::cli", "solve()", "marina(rand-k(10), p=0.1)", "StarParts", "kKeys",
             "by_count", "d"]
    wrong = ["laconic/core/none.h", "core/none.h", "none_such.h", "rounds/gossip.{h,none}", "configs/none*.toml",
             "Star::none_such", "none_such()", "none-such(10)", "NoneSuch", "kNoneSuch", "none_such"]
    for code in right:
        assert not failures_of(tree, "README.md", f"`{code}`"), code
    for code in wrong:
        assert failures_of(tree, "README.md", f"`{code}`"), code
    assert failures_of(tree, "README.md", "a\n```\nbuild/laconic sweep configs/none.toml\n```\n") == [
        "README.md:2: configs/none.toml does not exist"]
    assert failures_of(tree, "docs/methods.md", "[a](served.md) [b](none.md)") == [
        "docs/methods.md:1: none.md does not exist"]
    assert failures_of(tree, "docs/methods.md", "# A `b`, c\n[a](#a-b-c) [b](#none) [c](services.md#none)") == [
        "docs/methods.md:2: #none does not exist", "docs/methods.md:2: services.md#none does not exist"]


def stale_reference(program):
    """A line if docs/reference.md is not what the program prints."""
    printed = subprocess.run([program, "list", "--markdown"], stdout=subprocess.PIPE, text=True, check=True).stdout
    page = ROOT / "docs" / "reference.md"
    if page.is_file() and page.read_text() == printed:
        return []
    return ["docs/reference.md is stale; renew it: build/laconic list --markdown > docs/reference.md"]


def stale_version():
    """A line if CITATION.cff has another version than the build."""
    version = re.search(r"project\(laconic VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    if f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text():
        return []
    return [f"CITATION.cff: need version: {version}"]


def main():
    tree = Tree()
    check_the_test_itself(tree)
    pages = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md"))
    failures = []
    for page in pages:
        failures += failures_of(tree, page.relative_to(ROOT).as_posix(), page.read_text())
    words = len((ROOT / "README.md").read_text().split())
    if words > MOST_WORDS:
        failures.append(f"README.md: {words} words; at most {MOST_WORDS}")
    failures += stale_version()
    for program in sys.argv[1:]:
        failures += stale_reference(program)
    for failure in failures:
        print(failure)
    print(f"{len(pages)} pages, {len(failures)} failures")
    return 1 if failures or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
