"""Tests that failed run once more, alone: chance and defects are told apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rerun import RERUN_MAX, UNSTABLE_MAX

REPOSITORY = Path(__file__).parents[2]

FAILS_ONCE = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_fails_once(number):
    marker = Path(f"seen-{{number}}")
    if not marker.exists():
        marker.touch()
        print("what it printed")
        raise AssertionError("the first time")
"""
FAILS = """
def test_fails():
    raise AssertionError("each time")
"""
PASSES = """
def test_passes():
    pass
"""


class Run:
    """A run in a folder of its own."""

    def __init__(self, folder: Path, source: str, *options: str) -> None:
        (folder / "test_them.py").write_text(source, encoding="utf-8")
        command = [sys.executable, "-m", "tests.rerun", "-p", "no:cacheprovider", *options]
        # No plugin that is installed, since their imports take longer than these tests.
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        self.code = done.returncode
        self.output = done.stdout
        self.last_lines = done.stdout.splitlines()[-4:]
        record = folder / ".unstable-tests.txt"
        self.record = record.read_text(encoding="utf-8") if record.exists() else ""


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "--numprocesses", "2")])
def test_what_passes_alone_is_listed_as_unstable_with_its_failure(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = Run(tmp_path, FAILS_ONCE.format(count=1) + PASSES, *options)
    assert run.code == 0
    assert run.last_lines[-1] == "unstable: test_them.py::test_fails_once[0]"
    assert "unstable: test_them.py::test_fails_once[0]" in run.record
    assert "AssertionError: the first time" in run.record
    assert "what it printed" in run.record


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    run = Run(tmp_path, FAILS_ONCE.format(count=1) + FAILS)
    assert run.code == 1
    assert run.last_lines[-2:] == [
        "unstable: test_them.py::test_fails_once[0]",
        "failed twice: test_them.py::test_fails",
    ]


@pytest.mark.parametrize(("count", "code"), [(UNSTABLE_MAX, 0), (UNSTABLE_MAX + 1, 1)])
def test_few_tests_may_be_unstable(tmp_path: Path, count: int, code: int) -> None:
    run = Run(tmp_path, FAILS_ONCE.format(count=count))
    assert run.code == code
    assert run.output.count("\nunstable: ") == count


def test_many_failures_are_no_matter_of_chance(tmp_path: Path) -> None:
    run = Run(tmp_path, FAILS_ONCE.format(count=RERUN_MAX + 1))
    assert run.code == 1
    assert "unstable" not in run.output


def test_nothing_runs_again_after_success(tmp_path: Path) -> None:
    (tmp_path / ".unstable-tests.txt").write_text("of the run before", encoding="utf-8")
    run = Run(tmp_path, PASSES)
    assert run.code == 0
    assert "Running again" not in run.output
    assert run.record == ""


@pytest.mark.parametrize(("source", "code"), [("def (", 2), ("", 5)])
def test_other_exit_codes_are_passed_on(tmp_path: Path, source: str, code: int) -> None:
    assert Run(tmp_path, source).code == code
