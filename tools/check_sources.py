"""Checks what the other linters do not: plain language and names, texts of values that say what the value is, one
sentence a line in Markdown, unique class names, small packages, no import circles, loops that suspend, and paths of
files that are not taken from URLs.

python -m tools.check_sources      (part of `make lint`)

Prints one line for each problem, as `path:line: text`, and exits with 1 if there is any.
"""

from __future__ import annotations

import ast
import gc
import re
import subprocess
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tools.awaiting_loops import unsuspended_loops

PACKAGE = Path("src/talkwire")

MODULES_MAX = 20
"""Most modules in one package, `__init__.py` included."""

MIGRATIONS = PACKAGE / "storage" / "migrations" / "versions"
"""Package that may have more modules, since it grows by one with each migration."""

IDIOMS: Mapping[str, str] = MappingProxyType(
    {
        r"\b(?:is|are|was|were|be|been|being) told\b(?! apart)": "receives, is notified",
        r"\bhears? of\b": "receives, learns of",
        r"\bgo(?:es)? on with\b": "continues, resumes",
        r"\b(?:is|are) no more\b": "has ended",
        r"\b(?:anew|afresh)\b": "again, from the start",
        r"\b(?:whoever|those of whom|those for whom)\b": "users that, members that",
        r"\bit is (?:waited|looked|tried)\b(?! up)": "name who waits, looks, tries",
        r"\bat the door\b|\bthe one door\b": "on arrival, the entry point",
        r"\b(?:may not|cannot) be meant\b": "is invalid",
        r"\bmend(?:s|ed)?\b": "fix",
        r"\boutstanding\b": "in flight",
    }
)
"""Words to write instead of phrases that readers stumble over, by the phrase."""

VAGUE_WORD = re.compile("told|heard|said", re.IGNORECASE)

VAGUE_NAME = re.compile(r"(?:^|_)(?:told|heard|said)(?![a-z])|[a-z](?:Told|Heard|Said)(?![a-z])")
"""Pattern of names that do not say whether something is sent, received, shown or stored."""

DECLARATION = re.compile(r"\b(?:const|let|function|class|interface|type)\s+(\w+)")
SCRIPTS = frozenset({".ts", ".tsx", ".mjs"})
PATHNAME = re.compile(r"[.{,]\s*pathname\b")
COMMENT_LINE = re.compile(r"\s*(?://|/?\*)")
QUOTING = frozenset({"check_sources.py", "test_check_sources.py"})
"""Files that contain the phrases because they are about them."""

PRIVATE_REFERENCES = re.compile(r"\bcontract, section|\bcontract section|\b(?:first|second|third|fourth|fifth) seed\b")
"""Pattern of references to papers that are not in the repository."""

UNCLEAR = re.compile("|".join([*IDIOMS, PRIVATE_REFERENCES.pattern]).replace(" ", r"\s+"), re.IGNORECASE)
"""Pattern of a phrase or a reference that is a problem if it stands in a docstring, a comment or Markdown."""

INLINE_CODE = re.compile(r"`[^`]*`")

LABEL = re.compile(r"\s*(?:[-+*]\s|\d+\.\s)?\s*(?:(\*\*?)[^*]+\1\s)?")
"""Pattern of the marker of a list item, and of first words in bold or italics. The sentence after them stays on their
line."""

QUOTE = re.compile(r'"[^"]*"|“[^”]*”')

TWO_SENTENCES = re.compile(r"(?:\b(?!vs\b|etc\b|cf\b|approx\b)\w*\w\w|\d)[`*)\]]*[.!?][*)]* +[`*(\[]*[A-Z`]")
"""Pattern of the end of a sentence and the start of another one. A letter before the full stop is no word: `e.g.`,
`i.e.`."""

NO_PROSE = ("#", "|", "<!--")

DESCRIBED = (PACKAGE, Path("clients/python/src"), Path("tools"))
"""Folders of the modules whose values have texts."""

GENERATED = Path("clients/python/src/talkwire_client/payloads.py")
"""Module whose texts are those of the API's description."""

FIRST_WORD = re.compile(r"\(|\w+")

NO_NOUNS = frozenset(
    {
        *("(", "Also", "As", "For", "How", "If", "Then", "True", "What", "When", "Where", "Which", "Who", "Why"),
        *("After", "At", "Before", "Beyond", "By", "From", "In", "Of", "Until", "Up", "Within"),
        *("Called", "Held", "Makes", "Raises", "Returns", "Says", "Selects", "Stands", "Stops"),
    }
)
"""First words of texts that do not say what the value is."""

NUMBER_NAME = re.compile(r"[A-Z]\w*_(?:S|MS|DAYS|BYTES|LENGTH|MAX|MIN)")
"""Pattern of the names of public durations and sizes."""

DESCRIBED_ROUTES = ("get", "post", "put", "patch", "delete", "head", "route")
NOT_IMPERATIVE = frozenset({"a", "an", "the", "what", "who", "whether", "how", "which", "one", "all", "every", "some"})


class Problem(NamedTuple):
    path: Path
    line: int
    text: str


class Text(NamedTuple):
    """A docstring, a comment, a name or a line of a Markdown page, and the number of the line where it begins."""

    line: int
    text: str


def main() -> int:
    """Runs all checks, prints the problems, and returns the exit code: 1 if there are any."""
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S607
    files = [Path(name) for name in tracked if Path(name).is_file()]
    sources = [path for path in files if path.suffix == ".py" and PACKAGE in path.parents]
    prose = [path for path in files if path.suffix == ".md" and path.name not in {"CHANGELOG.md", "CODE_OF_CONDUCT.md"}]
    code = [path for path in files if path.suffix in {".py", *SCRIPTS} and path.name not in QUOTING]
    problems = [
        *language_problems([*code, *prose]),
        *name_problems(code),
        *value_problems(files),
        *sentence_problems(prose),
        *class_problems(sources),
        *width_problems(sources),
        *circle_problems(sources),
        *summary_problems(sources),
        *loop_problems(code),
        *path_problems(code),
    ]
    for problem in problems:
        print(f"{problem.path}:{problem.line}: {problem.text}")
    return 1 if problems else 0


def language_problems(paths: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem for each unclear phrase in docstrings, comments and Markdown, and for each reference to a
    private paper.
    """
    for path in paths:
        # Few files have such a phrase anywhere; only these are taken apart, which costs much more than the search.
        if not UNCLEAR.search(path.read_text(encoding="utf-8")):
            continue
        for line, text in _prose_of(path):
            for pattern, better in IDIOMS.items():
                for found in re.finditer(pattern.replace(" ", r"\s+"), text, re.IGNORECASE):
                    phrase = " ".join(found.group().split())
                    yield Problem(path, line, f'"{phrase}": write {better}')
            if PRIVATE_REFERENCES.search(text):
                yield Problem(path, line, "refers to a paper that is not in the repository")


def name_problems(paths: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem for each name in Python, and each declared name in a script, that is `told`, `heard` or `said`,
    or has such a word.
    """
    for path in paths:
        if not VAGUE_WORD.search(path.read_text(encoding="utf-8")):
            continue
        for line, name in _declared_names(path):
            if VAGUE_NAME.search(name):
                yield Problem(path, line, f"{name}: name what is sent, received, shown or stored")


def value_problems(paths: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem for each text below a value (a constant, a type alias or an attribute of `self`) that does not
    begin with what the value is, and for each public constant that is a number and has no text.
    """
    for path in paths:
        if path.suffix != ".py" or path == GENERATED or not {*DESCRIBED} & {*path.parents}:
            continue
        nodes = _nodes(path)
        module = nodes[0]
        assert isinstance(module, ast.Module)
        for value, text in _values_of(nodes):
            if text is None:
                if value in module.body and _is_public_number(value):
                    name = ast.unparse(_target_of(value))
                    yield Problem(path, value.lineno, f"{name}: say below the number what it is, and its unit")
            elif (word := FIRST_WORD.match(text.text.lstrip())) and word.group() in NO_NOUNS:
                yield Problem(path, text.line, f'"{word.group()}": start with a noun: what the value is')


def sentence_problems(pages: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem for each line of a Markdown page that has more than one sentence. Ignores code, tables, headings
    and quotes.
    """
    for path in pages:
        is_code = False
        for line, text in _prose_of(path):
            if text.lstrip().startswith("```"):
                is_code = not is_code
            elif not is_code and not text.lstrip().startswith(NO_PROSE):
                sentences = QUOTE.sub('""', INLINE_CODE.sub("`code`", LABEL.sub("", text, count=1)))
                if TWO_SENTENCES.search(sentences):
                    yield Problem(path, line, "two sentences: write each on a line of its own")


def class_problems(sources: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem for each class name that two classes have. Private classes and those of dialects may share a
    name.
    """
    by_name: dict[str, list[tuple[Path, int]]] = defaultdict(list)
    for path in sources:
        if PACKAGE / "dialects" in path.parents:
            continue
        for node in _nodes(path):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                by_name[node.name].append((path, node.lineno))
    for name, places in by_name.items():
        for path, line in places[1:]:
            yield Problem(path, line, f"class {name} is also in {places[0][0]}")


def width_problems(sources: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem for each package with more than `MODULES_MAX` modules."""
    modules: dict[Path, int] = defaultdict(int)
    for path in sources:
        modules[path.parent] += 1
    for folder, count in modules.items():
        if count > MODULES_MAX and folder != MIGRATIONS:
            yield Problem(folder, 1, f"{count} modules in one package; at most {MODULES_MAX}")


def circle_problems(sources: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem if modules import each other in a circle, including imports for type checkers only."""
    modules = {_module_name(path): path for path in sources}
    imports = {name: _imports(path, modules.keys()) - {name} for name, path in modules.items()}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        yield Problem(modules[circle[0]], 1, "modules import each other: " + " -> ".join(circle))


def summary_problems(sources: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem for each summary of a REST route that does not begin with a verb, or ends with a full stop."""
    for path in sources:
        if PACKAGE / "api" not in path.parents:
            continue
        for node in _nodes(path):
            if isinstance(node, ast.Call) and _name_of(node.func) in DESCRIBED_ROUTES:
                yield from (Problem(path, line, text) for line, text in _bad_summaries(node))


def loop_problems(paths: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem for each loop of a coroutine in the server or the Python client that may never suspend."""
    for path in paths:
        if path.suffix == ".py" and "src" in path.parts:
            for line, text in unsuspended_loops(path.read_text(encoding="utf-8")):
                yield Problem(path, line, f"`{text}`: suspend in every round, or say why it does (# Suspends: ...)")


def path_problems(paths: Iterable[Path]) -> Iterator[Problem]:
    """Yields a problem for each use of `pathname` in a script that knows its own URL. The URL of a file escapes spaces,
    letters such as `ü`, `#` and `%`, so the file is not found in a folder with such a name.
    """
    for path in paths:
        source = path.read_text(encoding="utf-8") if path.suffix in SCRIPTS else ""
        if "import.meta.url" in source:
            for line, text in enumerate(source.splitlines(), 1):
                if PATHNAME.search(text):
                    yield Problem(path, line, "`pathname` is escaped: write fileURLToPath(...) for the path of a file")


def _values_of(nodes: Iterable[ast.AST]) -> Iterator[tuple[ast.Assign | ast.AnnAssign, Text | None]]:
    """Yields the assignments outside of class bodies, whose texts describe fields, each with the text below it."""
    for node in nodes:
        body = getattr(node, "body", None)
        if isinstance(node, ast.ClassDef) or not isinstance(body, list):
            continue
        for statement, below in zip_longest(body, body[1:]):
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                match below:
                    case ast.Expr(value=ast.Constant(value=str() as text)):
                        yield statement, Text(below.lineno, text)
                    case _:
                        yield statement, None


def _target_of(value: ast.Assign | ast.AnnAssign) -> ast.expr:
    return value.targets[0] if isinstance(value, ast.Assign) else value.target


def _is_public_number(value: ast.Assign | ast.AnnAssign) -> bool:
    target = _target_of(value)
    if not isinstance(target, ast.Name) or not target.id.isupper() or target.id.startswith("_"):
        return False
    return NUMBER_NAME.fullmatch(target.id) is not None or (value.value is not None and _is_number(value.value))


def _is_number(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.UnaryOp(operand=operand):
            return _is_number(operand)
        case ast.BinOp(left=left, right=right):
            return _is_number(left) and _is_number(right)
        case ast.Call(func=function):
            return _name_of(function) == "timedelta"
    return False


def _bad_summaries(call: ast.Call) -> Iterator[tuple[int, str]]:
    for keyword in call.keywords:
        if keyword.arg == "summary" and isinstance(keyword.value, ast.Constant):
            summary = str(keyword.value.value)
            if summary.split(maxsplit=1)[0].lower() in NOT_IMPERATIVE or summary.endswith("."):
                yield keyword.value.lineno, f'summary "{summary}": begin with a verb, end without a full stop'


def _prose_of(path: Path) -> Iterator[Text]:
    if path.suffix == ".md":
        yield from (Text(line, text) for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
        return
    if path.suffix in SCRIPTS:
        lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        yield from (Text(line, text) for line, text in lines if COMMENT_LINE.match(text))
        return
    for node in _nodes(path):
        # A string that is a statement of its own is a docstring, or describes the constant above it.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield Text(node.lineno, node.value.value)
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield Text(token.start[0], token.string)


def _declared_names(path: Path) -> Iterator[Text]:
    if path.suffix in SCRIPTS:
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield from (Text(line, name) for name in DECLARATION.findall(text))
        return
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.NAME:
                yield Text(token.start[0], token.string)


def _nodes(path: Path) -> Sequence[ast.AST]:
    """Returns everything in the syntax tree of a module; the first is the module itself."""
    return _nodes_of(path.read_text(encoding="utf-8"))


@cache
def _nodes_of(source: str) -> Sequence[ast.AST]:
    return list(ast.walk(ast.parse(source)))


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path, modules: Iterable[str]) -> set[str]:
    known, found = set(modules), set()
    for node in _nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.add(name if name in known else node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found & known


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


if __name__ == "__main__":
    gc.disable()  # what it keeps is a million nodes of syntax trees, through which the collector would look in vain
    sys.exit(main())
