"""Checks that no test depends on how fast the machine is.

python -m tools.check_tests      (part of `make lint`)

Tests wait through `tests/waiting.py`, under deadlines of at least a minute. Only tests that `make measure` runs read
clocks or memory. Prints one line for each problem, as `path:line: text`, and exits with 1 if there is any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.kinds import MEASURE
from tools.check_sources import Problem

TESTS = Path("tests")
WAITING = TESTS / "waiting.py"
CLOCKS = TESTS / "processor_time.py"

DEADLINE_MIN_S = 60
"""Shortest deadline that a test may have, in seconds."""

SCRIPT_TESTS = (Path("clients/javascript/client/test"), Path("clients/javascript/react/test"), Path("web/test"))

_SLEEPS = frozenset({"time.sleep", "asyncio.sleep"})
_CLOCKS = re.compile(r"time\.(?:monotonic|perf_counter|process_time|thread_time)(?:_ns)?|resource\.getrusage")
_LIMITS = frozenset({"asyncio.timeout", "asyncio.wait_for"})
_SCRIPT_SLEEP = re.compile(r"setTimeout\(\w+, [1-9]")
_SCRIPT_CLOCK = re.compile(r"performance\.now\(|cpuUsage\(")
_LIMIT_NAME = re.compile(r"(?:DEADLINE|WAIT|WITHIN|PATIENCE)_S$")


def main() -> int:
    """Checks all tests, prints the problems, and returns the exit code: 1 if there are any."""
    problems = [problem for path in sorted(TESTS.rglob("*.py")) for problem in problems_of(path)]
    scripts = [path for folder in SCRIPT_TESTS for path in sorted(folder.rglob("*.test.ts*"))]
    problems += [problem for path in scripts for problem in script_problems_of(path)]
    for problem in problems:
        print(f"{problem.path}:{problem.line}: {problem.text}")
    return 1 if problems else 0


def problems_of(path: Path) -> Iterator[Problem]:
    """Yields a problem for each sleep, clock and short deadline in a file of tests."""
    if path in {WAITING, CLOCKS}:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    exempt = set(_measured_lines(path, tree))
    for node in ast.walk(tree):
        text = _problem(node)
        if text is not None and getattr(node, "lineno", 0) not in exempt:
            yield Problem(path, getattr(node, "lineno", 0), text)


def script_problems_of(path: Path) -> Iterator[Problem]:
    """Yields a problem for each sleep, clock and short deadline in a file of tests in TypeScript."""
    source = path.read_text(encoding="utf-8")
    for number, line in enumerate(source.splitlines(), 1):
        if "vi.waitFor(" in line:
            yield Problem(path, number, "vi.waitFor: it waits for a second only; take `eventually` of waiting.ts")
        if _SCRIPT_SLEEP.search(line) and "useFakeTimers" not in source:
            yield Problem(path, number, "setTimeout: wait for a condition, or for turns of the event loop")
        if clock := _SCRIPT_CLOCK.search(line):
            yield Problem(path, number, f"{clock[0]}): take `processorMs` in tests that `make measure` runs")


def _problem(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=function, args=arguments):
            called = ast.unparse(function)
            if called in _SLEEPS and not (arguments and _number(arguments[0]) == 0):
                return f"{called}: wait for a condition through tests/waiting.py"
            if _CLOCKS.fullmatch(called):
                return f"{called}: only tests that `make measure` runs read a clock"
            if called in _LIMITS and any(_is_short(argument) for argument in arguments):
                return f"{called}: a deadline has at least {DEADLINE_MIN_S} s; take that of tests/waiting.py"
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _LIMIT_NAME.search(name) and _is_short(value):
            return f"{name}: a deadline has at least {DEADLINE_MIN_S} s; take that of tests/waiting.py"
        case ast.Constant(value="VmRSS"):
            return "resident memory: only tests that `make measure` runs read it"
    return None


def _is_short(node: ast.expr) -> bool:
    seconds = _number(node)
    return seconds is not None and seconds < DEADLINE_MIN_S


def _number(node: ast.expr) -> float | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None


def _measured_lines(path: Path, tree: ast.Module) -> Iterator[int]:
    """Yields the lines of a file that belong to tests which `make measure` runs, and to what such tests share."""
    places = [place for place in MEASURE if path.is_relative_to(TESTS / place.partition("::")[0])]
    if not places:
        return
    names = {place.partition("::")[2] for place in places}
    for node in tree.body:
        name = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ""
        if "" in names or name in names or not name.startswith("test_"):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


if __name__ == "__main__":
    sys.exit(main())
