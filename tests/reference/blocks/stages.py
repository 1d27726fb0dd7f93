"""Finds out which tests of some files the gate runs, in a process of its own, since pytest runs once in a process.

python -m tests.reference.blocks.stages FILE…      (prints the tests as JSON)
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath

import pytest

from tests.forked_talkwire import Streams, start_python
from tests.reference.blocks.collected import REPOSITORY
from tests.waiting import DEADLINE_S

LATE = {"everything", "measure"}
"""The markers of tests that the gate leaves out."""


@dataclass(frozen=True)
class CollectedTest:
    """A test with its parameters. `names` are its function and its fixtures."""

    file: str
    names: list[str]
    parameters: str
    is_in_the_gate: bool


def collected_tests(files: list[str]) -> list[CollectedTest]:
    """Returns the tests of files, which are paths in the repository."""
    # The variables of a worker would make the new process a part of this run.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        with Path(os.devnull).open("rb") as nothing:
            arguments = ["-m", "tests.reference.blocks.stages", *files]
            process = start_python(arguments, Streams(nothing, output, errors), environment, REPOSITORY)
        code = process.wait(DEADLINE_S)
        output.seek(0)
        errors.seek(0)
        assert code == 0, errors.read().decode()
        return [CollectedTest(**each) for each in json.load(output)]


class _Collector:
    def __init__(self) -> None:
        self.tests: list[CollectedTest] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tests = [_described(item) for item in session.items]


def _described(item: pytest.Item) -> CollectedTest:
    assert isinstance(item, pytest.Function)
    markers = {marker.name for marker in item.iter_markers()}
    file = PurePath(item.path).relative_to(REPOSITORY).as_posix()
    _, _, parameters = item.name.partition("[")
    return CollectedTest(file, [item.originalname, *item.fixturenames], parameters, LATE.isdisjoint(markers))


def main() -> int:
    """Prints the tests of the files in the command line, and returns the exit code of pytest."""
    collector = _Collector()
    with redirect_stdout(sys.stderr):
        # The helper has imported plugins that pytest would have rewritten.
        options = ["--collect-only", "--quiet", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        code = pytest.main([*options, *sys.argv[1:]], plugins=[collector])
    sys.stdout.write(json.dumps([asdict(each) for each in collector.tests]))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
