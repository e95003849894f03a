#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python_api.py: writes docs/python_api.md, the functions and classes of the Python package, from their docstrings.

Reads the package in build/python. tests/python/api_page_test.py fails when the page is stale. A name of
laconic.__all__ needs a place in SECTIONS and a docstring, and so does each public method and property.

The docstrings have paragraphs, examples (blocks that are indented), and items:

    NAME : TYPE
        What it is.
"""
import ast
import inspect
import operator
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "python_api.md"
WIDTH = 120

SECTIONS = {
    "Runs": ["run", "resume", "load", "Run"],
    "Sweeps": ["sweep", "Sweep"],
    "Theory and advice": ["theory", "Theory", "advise", "Advice"],
    "Problems": ["Problem", "problem", "open_problem", "OpenProblem", "torch.problem"],
    "Compressors": ["compressor", "decode", "Compressor", "Message", "register_compressor", "Key"],
    "Exchanges of gradients": ["Exchange"],
    "Training in PyTorch": ["torch.HookState", "torch.hook", "torch.LocalSGD", "torch.DiLoCo"],
    "Runs across sites": ["federation.serve", "federation.join"],
    "Papers, figures and pages": ["reproduce", "plot", "report"],
    "Names": ["list_methods", "list_compressors", "list_problems", "list_keys", "list_columns", "Name"],
    "Errors and warnings": ["InputError", "RunError", "DivergedWarning", "RemarkWarning"],
}
CONSTRUCTED = ["Exchange", "Message", "Key"]  # classes of which users make objects by the name of the class
TABLES_OF_KEYS = {"run": ["keys"], "sweep": ["keys", "sweep-keys"], "theory": ["keys"], "advise": ["keys"],
                  "federation.serve": ["keys"], "plot": ["plot-keys"]}  # of docs/reference.md
KEYS = "\n\nKeys\n----\n"  # begins the keys in a docstring


ITEM = re.compile(r"^(\S.*)\n((?:    .*(?:\n|$))+)", re.MULTILINE)


# Docstrings as Markdown.

def escaped(text):
    """The text without accidental Markdown: asterisks, and what looks like HTML, outside of code mean themselves."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"(\*|<(?=[\w/!?]))", r"\\\1", part) for part in parts)


def wrapped(text, indent="", first=None):
    """A paragraph in lines. None of them begins a list or a heading."""
    lines = textwrap.wrap(escaped(" ".join(text.split())), WIDTH, break_long_words=False, break_on_hyphens=False,
                          initial_indent=indent if first is None else first, subsequent_indent=indent)
    return lines[:1] + [re.sub(r"^(\s*)(?=[-+#>]|\d+[.)] )", r"\1\\", line) for line in lines[1:]]


def item(head, text):
    """An item of a list: a name with its type, as in a docstring, and what it is."""
    name, colon, kind = head.partition(" : ")
    if not colon:
        name, comma, kind = head.partition(", as in ")
        kind = f"as in `{kind}`" if comma else ""
    names = ", ".join(f"`{each}`" for each in ([name] if "(" in name else name.split(", ")))
    blocks = re.split(r"\n\s*\n", textwrap.dedent(text).strip("\n"))
    lines = wrapped(f"{names}{f' ({kind})' if kind else ''}: {blocks[0]}", "  ", "- ")
    for block in blocks[1:]:
        lines += ["", *wrapped(block, "  ")]
    return lines


def markdown(docstring):
    """The lines of a docstring as Markdown."""
    lines = []
    for block in re.split(r"\n\s*\n", docstring):
        if lines:
            lines.append("")
        if block.startswith("    "):
            lines += ["```python", *textwrap.dedent(block).split("\n"), "```"]
        elif "\n    " in block:
            if ITEM.sub("", block):
                raise SystemExit(f"a docstring has items and a paragraph without a blank line between them:\n{block}")
            for head, text in ITEM.findall(block):
                lines += item(head, text)
        else:
            lines += wrapped(block)
    return lines


# The package.

def docstring_of(thing, name):
    """The docstring without the signature that pybind11 puts in front, and without the list of keys."""
    text = inspect.cleandoc((thing.__doc__ or "").split(KEYS)[0])
    if not inspect.isclass(thing) and bound_signature(thing):
        text = text.partition("\n")[2].strip("\n")
    if not text:
        raise SystemExit(f"laconic.{name} has no docstring")
    return text


def bound_signature(function):
    """The first line of the docstring of a function of the extension module, else None."""
    first = (function.__doc__ or "").split("\n")[0]
    return first if re.match(r"\w+\(.*\) -> ", first) else None


def signature_of(function):
    """The parameters with their defaults, without self."""
    bound = bound_signature(function)
    if bound is None:
        parameters = [each.replace(annotation=inspect.Parameter.empty)
                      for each in inspect.signature(function).parameters.values() if each.name != "self"]
        return re.sub(r" ->.*", "", str(inspect.Signature(parameters)))
    [node] = ast.parse(f"def {bound}: ...").body
    node.args.args = [ast.arg(each.arg) for each in node.args.args if each.arg != "self"]
    return f"({ast.unparse(node.args)})"


def call_block(call):
    """The lines of a code block with a call."""
    indent = " " * (call.index("(") + 1)
    return ["```python", *textwrap.wrap(call, 100, subsequent_indent=indent, break_on_hyphens=False), "```", ""]


def link_to(table):
    """A link to a table of docs/reference.md."""
    from laconic import _core

    [title] = [title for name, title, _ in _core.tables() if name == table]
    anchor = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
    return f"[{title.split(':')[0].split(';')[0]}](reference.md#{anchor})"


def keys_of(name, function):
    """Links to the tables of the keys that a function takes, and its keys that they lack."""
    import laconic

    listed = {key.replace("-", "_") for key in laconic.list_keys()}
    rows = ITEM.findall(function.__doc__.partition(KEYS)[2])
    further = [item(head, text) for head, text in rows if head.split(", as in ")[0] not in listed]
    links = " and ".join(link_to(table) for table in TABLES_OF_KEYS[name])
    return ["", *wrapped(f"Keywords: {links}{', and these:' if further else '.'}"), "", *sum(further, [])]


def lines_of_function(name, function):
    lines = [f"### laconic.{name}()", "", *call_block(f"laconic.{name}{signature_of(function)}")]
    lines += markdown(docstring_of(function, name))
    if name in TABLES_OF_KEYS:
        lines += keys_of(name, function)
    return lines


def lines_of_class(name, kind):
    lines = [f"### class laconic.{name}", ""]
    if name in CONSTRUCTED:
        constructor = kind.__init__ if bound_signature(kind.__init__) else kind
        lines += call_block(f"laconic.{name}{signature_of(constructor)}")
    text = docstring_of(kind, name)
    lines += markdown(text)
    bases = [base.__name__ for base in kind.__mro__[1:] if issubclass(base, Exception)]
    if bases:
        lines[-1] += f" A `{bases[0]}`."
    described = set(", ".join(re.findall(r"^(\w[\w, ]*?)(?: : .*)?\n    ", text, re.MULTILINE)).split(", "))
    members = []
    for member, value in vars(kind).items():
        is_method = callable(value) and not inspect.isclass(value)
        if member.startswith("_") or not (is_method or isinstance(value, property)):
            continue
        if not value.__doc__ and member in described:
            continue
        head = f"{member}{signature_of(getattr(kind, member))}" if is_method else member
        members += item(head, docstring_of(getattr(kind, member) if is_method else value, f"{name}.{member}"))
    return lines + (["", "Methods and properties:", "", *members] if members else [])


def nodes_of_torch():
    """The functions and classes of laconic.torch, from its source: it cannot be imported where PyTorch is missing.

    A class has the members of a base class that is not public as its own.
    """
    nodes = {}
    for path in sorted((ROOT / "python" / "laconic" / "torch").glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" and path.stem == "__init__":
                public = ast.literal_eval(node.value)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                nodes[node.name] = node
    for name in public:
        for base in getattr(nodes[name], "bases", []):
            base = ast.unparse(base)
            if base in nodes and base not in public:
                nodes[name].body += nodes[base].body
    return {f"torch.{name}": nodes[name] for name in public}


def parameters_of_node(function):
    """The parameters of a function of a syntax tree, without self and without types."""
    parameters = function.args
    for each in [*parameters.args, *parameters.kwonlyargs]:
        each.annotation = None
    parameters.args = [each for each in parameters.args if each.arg != "self"]
    return ast.unparse(parameters)


def docstring_of_node(node, name):
    text = ast.get_docstring(node)
    if not text:
        raise SystemExit(f"laconic.{name} has no docstring")
    return text


def lines_of_torch(name, node):
    """A function or a class of laconic.torch."""
    if isinstance(node, ast.FunctionDef):
        return [f"### laconic.{name}()", "", *call_block(f"laconic.{name}({parameters_of_node(node)})"),
                *markdown(docstring_of_node(node, name))]
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    lines = [f"### class laconic.{name}", "",
             *call_block(f"laconic.{name}({parameters_of_node(methods.pop('__init__'))})"),
             *markdown(docstring_of_node(node, name))]
    members = []
    for member, method in methods.items():
        if not member.startswith("_"):
            head = member if method.decorator_list else f"{member}({parameters_of_node(method)})"
            members += item(head, docstring_of_node(method, f"{name}.{member}"))
    return lines + (["", "Methods and properties:", "", *members] if members else [])


def page():
    """The text of the page."""
    import laconic

    torch = nodes_of_torch()
    public = [name for name in laconic.__all__ if name not in ("federation", "torch")] + list(torch)
    public += [f"federation.{name}" for name in laconic.federation.__all__]
    placed = [name for names in SECTIONS.values() for name in names]
    if sorted(placed) != sorted(public):
        raise SystemExit(f"SECTIONS differs from laconic.__all__: {set(placed) ^ set(public)}")
    contents, body = [], []
    for section, names in SECTIONS.items():
        links = []
        body += [f"## {section}", ""]
        for name in names:
            if name in torch:
                lines = lines_of_torch(name, torch[name])
            elif inspect.isclass(value := operator.attrgetter(name)(laconic)):
                lines = lines_of_class(name, value)
            else:
                lines = lines_of_function(name, value)
            anchor = re.sub(r"[^\w -]", "", lines[0][4:].lower()).replace(" ", "-")
            links.append(f"[{lines[0].split('laconic.')[1]}](#{anchor})")
            body += [*lines, ""]
        contents.append(f"| {section} | {', '.join(links)} |")
    lines = ["# The Python package, name by name", "",
             *markdown(inspect.cleandoc(laconic.__doc__).replace("docs/python.md", "[python.md](python.md)")), "",
             *wrapped("`tools/python_api.py` writes this page from the docstrings of the package. A test fails when it "
                      "is stale."), "", "| | |", "|---|---|", *contents, "", *body]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "build" / "python"))
    PAGE.write_text(page())
