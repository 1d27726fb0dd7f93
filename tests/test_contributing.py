"""CONTRIBUTING.md shows code that is there, names files that are there, and commands that make knows."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rigs.hostile.trial import Holds, HoldsWithoutLimits
from tests import kinds
from tests.excerpts import REPOSITORY, with_excerpts
from tests.page.scenario_files import declared_titles, slug

PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def targets_of(text: str) -> set[str]:
    """Returns the targets in commands such as `make test`."""
    return set(re.findall(r"\bmake (?:--\S+ )*([a-z][a-z-]*)", text))


def test_the_examples_are_code_of_the_repository() -> None:
    assert with_excerpts(PAGE) == PAGE, "write the examples again: make docs"


def test_every_python_block_names_its_source() -> None:
    assert PAGE.count("```python\n") == PAGE.count("-->\n```python\n") > 0


def test_every_javascript_block_is_in_its_source() -> None:
    blocks = re.findall(r"<!-- from (\S+) -->\n```js\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL)
    assert PAGE.count("```js\n") == len(blocks) > 0
    assert [name for name, block in blocks if block not in (REPOSITORY / name).read_text(encoding="utf-8")] == []


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"\b((?:src|tests|rigs|docs)/[\w./-]*\w)", PAGE) + re.findall(r"\]\(([^):#]+)\)", PAGE)
    assert named
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_make_knows_every_command_that_is_named() -> None:
    commands = set().union(*(targets_of(code) for code in re.findall(r"`([^`\n]+)`", PAGE)))
    known = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert {"check", "test"} <= commands <= known


def test_every_place_of_a_kind_exists() -> None:
    places = [place for kind in kinds.NEEDS.values() for place in kind]
    stages = (*kinds.EVERYTHING, *kinds.IN_THE_GATE, *kinds.MEASURE)
    assert [place for place in (*places, *stages, *kinds.LONGEST_FIRST) if not _exists(place)] == []


_TESTS_OF_TRIALS = {name for name in vars(HoldsWithoutLimits) | vars(Holds) if name.startswith("test_")}
"""Tests that the files of the fuzz inherit."""


def _exists(place: str) -> bool:
    path, _, test = place.partition("[")[0].partition("::")
    file = kinds.TESTS / path
    if not test or not file.exists():
        return file.exists()
    source = file.read_text(encoding="utf-8")
    if file.suffix == ".mjs":
        return test in map(slug, declared_titles(source))
    return test in _TESTS_OF_TRIALS or f"def {test}(" in source


def test_every_marker_is_described() -> None:
    assert [kind for kind in kinds.NEEDS if f"`{kind}`" not in PAGE] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_commands_that_make_knows(workflow: Any) -> None:  # noqa: ANN401 (a path)
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    commands = [step["run"] for job in jobs for step in job.get("steps", ()) if "run" in step]
    known = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert set().union(*map(targets_of, commands)) <= known
    assert commands


def test_continuous_integration_covers_every_version_that_is_promised() -> None:
    versions = yaml.safe_load((REPOSITORY / ".github/workflows/tests.yml").read_text())["jobs"]["tests"]["strategy"]
    promised = re.findall(r"Python :: (3\.\d+)\"", (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert versions["matrix"]["python"] == promised


def test_dependabot_knows_every_folder_with_dependencies() -> None:
    updates = yaml.safe_load((REPOSITORY / ".github/dependabot.yml").read_text())["updates"]
    known = {update["package-ecosystem"]: {*update.get("directories", [update.get("directory")])} for update in updates}
    assert known["npm"] == _folders_with("package-lock.json")
    assert known["pip"] == _folders_with("pyproject.toml")
    assert known["docker"] == _folders_with("Dockerfile")


def _folders_with(name: str) -> set[str]:
    """Returns the repository's folders that have a file of this name, as dependabot writes them."""
    found = set()
    for folder, below, files in os.walk(REPOSITORY):
        below[:] = [each for each in below if each != "node_modules" and not each.startswith(".")]
        if name in files:
            found.add(f"/{Path(folder).relative_to(REPOSITORY).as_posix()}".removesuffix("."))
    return found


def test_every_block_of_code_is_closed() -> None:
    """A page whose fences do not match would pass as its own refreshed text."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert PAGE.count("```") == 2 * len(blocks)
    for language, block in blocks:
        if language == "python":
            ast.parse(block)
