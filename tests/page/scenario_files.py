"""Collects the tests that files of this folder declare in JavaScript (scenario_tests.mjs)."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from inspect import Parameter, Signature
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.page.driving import HERE, Driver, Server, node_program, run_test
from tests.waiting import DEADLINE_S

DEFAULT_SERVER = "demo_server"


def slug(title: str) -> str:
    """Returns the name of the test of this title: its words in lower case, with hyphens between them."""
    return re.sub(r"\W+", "-", title.lower().replace("'", "")).strip("-")


def declared_titles(source: str) -> list[str]:
    """Returns the titles that a file declares literally, without running it."""
    return re.findall(r'^ *test\(\s*"([^"]+)"', source, re.MULTILINE)


class ScenarioFile(pytest.Module):
    """A file of tests that run in a browser. For pytest it is a module, to which fixtures of that scope belong."""

    @classmethod
    def of(cls, path: Path, parent: pytest.Collector) -> ScenarioFile:
        file: ScenarioFile = cls.from_parent(parent, path=path)
        setattr(file, "obj", ModuleType(path.stem))  # noqa: B010 (the property's setter has no type)
        return file

    def collect(self) -> Iterator[pytest.Function]:
        """Yields the tests of the file, with the markers that they need."""
        tests = _tests_of(self.path)
        names = Counter(slug(test["title"]) for test in tests)
        if twice := [name for name, count in names.items() if count > 1]:
            raise self.CollectError(f"{self.path.name} has several tests of these titles: {', '.join(twice)}")
        known = {line.partition(":")[0].strip() for line in self.config.getini("markers")}
        for test in tests:
            markers = [need for need in test["needs"] if need in known]
            fixtures = [need for need in test["needs"] if need not in known]
            function = _function(self.path, test["title"], fixtures)
            item: pytest.Function = pytest.Function.from_parent(self, name=slug(test["title"]), callobj=function)
            for marker in markers:
                item.add_marker(marker)
            yield item


def _function(file: Path, title: str, fixtures: list[str]) -> Any:  # noqa: ANN401 (its signature is made here)
    """Returns a test function for pytest that takes these fixtures."""

    def run(request: pytest.FixtureRequest, driver: Driver, **values: object) -> None:
        servers = [value for value in values.values() if isinstance(value, Server)]
        (server,) = servers or [request.getfixturevalue(DEFAULT_SERVER)]
        given = {_camel_case(name): value for name, value in values.items() if value is not server}
        run_test(driver, server, file, title, given)

    names = ["request", "driver", *fixtures]
    setattr(run, "__signature__", Signature([Parameter(name, Parameter.KEYWORD_ONLY) for name in names]))  # noqa: B010
    return run


def _camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def _tests_of(path: Path) -> list[dict[str, Any]]:
    """Returns the title and the needs of each test of a file."""
    listed = _listed(path.parent)[str(path)]
    if "problem" in listed:
        raise ScenarioFile.CollectError(listed["problem"])
    return list(listed["tests"])


@cache
def _listed(folder: Path) -> dict[str, Any]:
    """Returns what all files of a folder declare: one process reads them, since its start takes longest."""
    files = sorted(str(path) for path in folder.glob("test_*.mjs"))
    command = [node_program(), str(HERE / "list_tests.mjs"), *files]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=DEADLINE_S, check=False)
    if done.returncode != 0:
        raise ScenarioFile.CollectError(done.stderr)
    listed = json.loads(done.stdout)
    assert isinstance(listed, dict)
    return listed
