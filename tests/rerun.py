"""Runs pytest, and then each test that failed once more, alone.

python -m tests.rerun [options of pytest]

A test that fails twice has failed. One that passes alone is *unstable*: it, or what it tests, depends on chance or on
its neighbours. The run fails if a test has failed, or if more than three are unstable. Unstable tests are listed at the
end, and `.unstable-tests.txt` keeps how they failed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

UNSTABLE_MAX = 3
RERUN_MAX = 20
"""With more failures than this the defect is no matter of chance, and nothing is run again."""

RECORD = Path(".unstable-tests.txt")


class Failures:
    """A plugin that collects how tests failed, by the tests' node ids."""

    def __init__(self) -> None:
        self.by_test: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            captured = "".join(f"\n--- {title} ---\n{text}" for title, text in report.sections)
            earlier = self.by_test.get(report.nodeid, "")
            self.by_test[report.nodeid] = f"{earlier}--- {report.when} ---\n{report.longreprtext}{captured}\n"


def main(arguments: Sequence[str]) -> int:
    """Runs the tests that pytest's options name, and returns the exit code: 0 if no test failed twice and few failed
    once."""
    failures = Failures()
    code = pytest.main([*arguments], plugins=[failures])
    RECORD.unlink(missing_ok=True)
    if code != pytest.ExitCode.TESTS_FAILED or not 0 < len(failures.by_test) <= RERUN_MAX:
        return int(code)
    print(f"\nRunning again, one after the other: {len(failures.by_test)} tests that failed.", flush=True)
    unstable = [test for test in failures.by_test if _passes_alone(test)]
    _keep({test: failures.by_test[test] for test in unstable})
    for test in failures.by_test:
        print(f"{'unstable' if test in unstable else 'failed twice'}: {test}", flush=True)
    return int(len(unstable) > UNSTABLE_MAX or len(unstable) < len(failures.by_test))


def _passes_alone(test: str) -> bool:
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "-p", "no:xdist", test]
    return subprocess.run(command, check=False).returncode == 0


def _keep(unstable: dict[str, str]) -> None:
    if unstable:
        RECORD.write_text("".join(f"unstable: {test}\n{text}\n" for test, text in unstable.items()), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
