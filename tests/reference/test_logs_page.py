"""Each event of the server's log has a name and a row in docs/logs.md, with the levels and fields of the source."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from talkwire.logs import redact

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "src" / "talkwire"
PAGE = REPOSITORY / "docs" / "logs.md"

LOGGER = "_logger"
"""The name of every structlog logger: by it, this test finds what writes a line."""

LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
}
"""The level of the line that each method of a logger writes."""

NAME = re.compile(r"[a-z]+(_[a-z]+)*")

Modules = Mapping[str, ast.Module]
"""By their paths below the package."""


class Written(NamedTuple):
    """A line that the source writes. `event` is a name; of anything but a literal text, it is the source in brackets.
    `fields` are those that the source names."""

    where: str
    event: str
    level: str
    fields: frozenset[str]


class Named(NamedTuple):
    """A place that names an event which another place writes."""

    where: str
    event: ast.expr
    fields: frozenset[str]


class Row(NamedTuple):
    event: str
    levels: frozenset[str]
    fields: frozenset[str]
    meaning: str


# --- what the source writes -------------------------------------------------------------------------------------------


def _refusals(modules: Modules) -> Iterator[Named]:
    """Yields the calls of the function `log_refusal`, which writes the event that it is given. A method of the same
    name is another function."""
    for path, module in modules.items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log_refusal":
                yield Named(_place(path, node), node.args[0], _fields(node))


def _failures_of_expiries(modules: Modules) -> Iterator[Named]:
    """Yields the attributes `failure` of the classes in the module of `Expiry`, whose method writes them."""
    path = "core/engine/expiry.py"
    for of_class in ast.walk(modules[path]):
        for node in of_class.body if isinstance(of_class, ast.ClassDef) else ():
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "failure":
                yield Named(_place(path, node), node.value, frozenset())


PASSED_ON: Mapping[tuple[str, str], Callable[[Modules], Iterator[Named]]] = {
    ("observability/refusals.py", "event"): _refusals,
    ("core/engine/expiry.py", "self.failure"): _failures_of_expiries,
}
"""The places that write an event which others name (module, expression) -> what finds those others."""


def _written(modules: Modules) -> Iterator[Written]:
    for path, module in modules.items():
        called = {id(node.func): node for node in ast.walk(module) if isinstance(node, ast.Call)}
        named = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Assign) and _is_named_so(node)}
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and _called_name(node).endswith("get_logger") and id(node) not in named:
                yield Written(_place(path, node), _source_of(node), "", frozenset())
            if not (isinstance(node, ast.Attribute) and node.attr in LEVELS and _is_logger(node.value)):
                continue
            call = called.get(id(node))
            if call is None:  # a method that is passed on
                yield Written(_place(path, node), _source_of(node), LEVELS[node.attr], frozenset())
            else:
                yield from _written_by(modules, path, call, LEVELS[node.attr])


def _written_by(modules: Modules, path: str, call: ast.Call, level: str) -> Iterator[Written]:
    event, fields = call.args[0], _fields(call)
    find = PASSED_ON.get((path, ast.unparse(event)))
    for each in [Named(_place(path, call), event, frozenset())] if find is None else find(modules):
        yield Written(each.where, _literal(each.event), level, fields | each.fields)


def _called_name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_named_so(node: ast.Assign) -> bool:
    return [target.id for target in node.targets if isinstance(target, ast.Name)] == [LOGGER]


def _is_logger(node: ast.expr) -> bool:
    """Returns whether an expression is a logger: one of that name, or what its method `bind` returns."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "bind" and _is_logger(node.func.value)
    return (isinstance(node, ast.Name) and node.id == LOGGER) or (
        isinstance(node, ast.Attribute) and node.attr == LOGGER
    )


def _literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else _source_of(node)


def _source_of(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


def _fields(call: ast.Call) -> frozenset[str]:
    return frozenset(keyword.arg for keyword in call.keywords if keyword.arg not in {None, "exc_info"})


def _place(path: str, node: ast.stmt | ast.expr) -> str:
    return f"{path}:{node.lineno}"


# --- what the page lists ----------------------------------------------------------------------------------------------


def _rows(page: str) -> Iterator[Row]:
    """Yields the rows of the tables in the section "Events"."""
    section = page.partition("\n## Events\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            event, levels, fields, meaning = (cell.strip() for cell in line.split("|")[1:-1])
            yield Row(event.strip("`"), frozenset(levels.split(", ")), frozenset(fields.split("`")[1::2]), meaning)


# --- the comparison ---------------------------------------------------------------------------------------------------


def _problems(sources: Mapping[str, str], page: str) -> list[str]:
    return _problems_between(list(_written({path: ast.parse(source) for path, source in sources.items()})), page)


def _problems_between(lines: Sequence[Written], page: str) -> list[str]:
    rows = list(_rows(page))
    return [*_problems_of_source(lines, {row.event: row for row in rows}), *_problems_of_page(rows, lines)]


def _problems_of_source(lines: Iterable[Written], rows: Mapping[str, Row]) -> Iterator[str]:
    for where, event, _, fields in lines:
        if NAME.fullmatch(event) is None:
            yield f"{where}: {event} is no name in snake_case"
        elif event not in rows:
            yield f"{where}: {event} has no row"
        elif missing := fields - rows[event].fields:
            yield f"{where}: the row of {event} has no {', '.join(sorted(missing))}"


def _problems_of_page(rows: Iterable[Row], lines: Iterable[Written]) -> Iterator[str]:
    levels: dict[str, set[str]] = {}
    for line in lines:
        levels.setdefault(line.event, set()).add(line.level)
    for row in rows:
        if row.event not in levels:
            yield f"no code writes {row.event}"
        elif row.levels != levels[row.event]:
            listed, found = ", ".join(sorted(row.levels)), ", ".join(sorted(levels[row.event]))
            yield f"{row.event} has the level {found}, and its row {listed}"
        if not row.meaning:
            yield f"the row of {row.event} does not say what it means"
    for event, count in Counter(row.event for row in rows).items():
        if count > 1:
            yield f"{event} has {count} rows"


@pytest.fixture(scope="module")
def written() -> list[Written]:
    """What the source writes."""
    files = sorted(PACKAGE.rglob("*.py"))
    modules = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}
    return list(_written(modules))


def test_the_page_of_logs_lists_the_events_of_the_source(written: list[Written]) -> None:
    assert _problems_between(written, PAGE.read_text(encoding="utf-8")) == []


def test_no_field_has_a_name_that_hides_its_value(written: list[Written]) -> None:
    shown = [(line.where, dict.fromkeys(line.fields, "value")) for line in written]
    assert [(where, fields) for where, fields in shown if redact(None, "info", fields) != fields] == []


# --- what the comparison finds ----------------------------------------------------------------------------------------

GOOD = {
    "app.py": """
_logger = structlog.get_logger(__name__)
_logger.info("started", version=1)
""",
    "engine.py": """
_logger = structlog.get_logger(__name__)
class Engine:
    def __init__(self): self._logger = _logger.bind()
    def stop(self): self._logger.warning("stopping")
    def kill(self): _logger.bind(pid=1).exception("stopping", exc_info=True, **more)
""",
    "observability/refusals.py": """
_logger = structlog.get_logger(__name__)
def log_refusal(event, **fields):
    _logger.warning(event, **fields)
""",
    "origins.py": """
policy.log_refusal(origin)
log_refusal("connection_refused", reason="origin")
""",
    "core/engine/expiry.py": """
_logger = structlog.get_logger(__name__)
class Expiry:
    failure: str
    def done(self, error): _logger.warning(self.failure, error=error)
class BanExpiry(Expiry):
    failure = "bans_not_lifted"
""",
}

GOOD_PAGE = """
| `other` | info | | A table before the events. |

## Events

### Start and end

| event | level | fields | meaning |
|---|---|---|---|
| `started` | info | `version` | It has started. |
| `stopping` | warning, error | | It stops. |

| event | level | fields | meaning |
|---|---|---|---|
| `connection_refused` | warning | `reason` (below); `origin` | A refusal. |
| `bans_not_lifted` | warning | `error` | Bans. |

## Why

| `origin` | A page. |
"""

BAD_SOURCES = [
    ("app.py", '"started"', '"the chat has started"', "app.py:3: the chat has started is no name in snake_case"),
    ("app.py", '"started"', '"hasStarted"', "app.py:3: hasStarted is no name in snake_case"),
    ("app.py", '"started"', 'f"{kind}_started"', "app.py:3: (f'{kind}_started') is no name in snake_case"),
    ("app.py", '"started"', "event", "app.py:3: (event) is no name in snake_case"),
    ("app.py", '"started"', '"begun"', "app.py:3: begun has no row"),
    ("app.py", "info", "warning", "started has the level warning, and its row info"),
    ("app.py", "version=1", "version=1, node_id=2", "app.py:3: the row of started has no node_id"),
    ("app.py", "_logger.info(", "write = _logger.info; write(", "app.py:3: (_logger.info) is no name in snake_case"),
    ("app.py", "\n_logger", "\nlog", "app.py:2: (structlog.get_logger(__name__)) is no name in snake_case"),
    ("engine.py", "exception", "warning", "stopping has the level warning, and its row error, warning"),
    ("engine.py", "exception", "info", "stopping has the level info, warning, and its row error, warning"),
    ("engine.py", 'self._logger.warning("stopping")', 'self._logger.warning("ended")', "engine.py:5: ended has no row"),
    ("observability/refusals.py", "warning", "error", "connection_refused has the level error, and its row warning"),
    ("origins.py", '"connection_refused"', '"a refusal"', "origins.py:3: a refusal is no name in snake_case"),
    ("origins.py", '"connection_refused"', "event", "origins.py:3: (event) is no name in snake_case"),
    ("origins.py", "reason=", "cause=", "origins.py:3: the row of connection_refused has no cause"),
    ("core/engine/expiry.py", '"bans_not_lifted"', '"no lift"', "core/engine/expiry.py:7: no lift is no name in"),
    ("core/engine/expiry.py", "error=error", "code=error", "core/engine/expiry.py:7: the row of bans_not_lifted has"),
]

BAD_PAGES = [
    ("| `started` | info | `version` | It has started. |\n", "", "app.py:3: started has no row"),
    ("| `started` | info |", "| `started` | debug |", "started has the level info, and its row debug"),
    ("| `started` | info |", "| `started` | info, error |", "started has the level info, and its row error, info"),
    ("### Start", "| `x` | info | | Nothing. |\n### Start", "no code writes x"),
    ("### Start", "| `started` | info | `version` | Again. |\n### Start", "started has 2 rows"),
    ("It has started.", "", "the row of started does not say what it means"),
]


def test_a_page_like_its_source_has_no_problem() -> None:
    assert _problems(GOOD, GOOD_PAGE) == []


@pytest.mark.parametrize(("path", "before", "after", "problem"), BAD_SOURCES)
def test_what_the_source_changes_is_found(path: str, before: str, after: str, problem: str) -> None:
    changed = {**GOOD, path: GOOD[path].replace(before, after)}
    assert [found for found in _problems(changed, GOOD_PAGE) if found.startswith(problem)] != []


@pytest.mark.parametrize(("before", "after", "problem"), BAD_PAGES)
def test_what_the_page_changes_is_found(before: str, after: str, problem: str) -> None:
    assert problem in _problems(GOOD, GOOD_PAGE.replace(before, after))
