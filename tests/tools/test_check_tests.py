"""The check that no test depends on how fast the machine is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import check_tests
from tools.check_tests import problems_of, script_problems_of


def _problems(file: Path, source: str) -> list[str]:
    file.write_text(source, encoding="utf-8")
    return [problem.text.partition(":")[0] for problem in problems_of(file)]


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("time.sleep(0.1)", ["time.sleep"]),
        ("async def f():\n    await asyncio.sleep(delay)", ["asyncio.sleep"]),
        ("async def f():\n    await asyncio.sleep(0)", []),
        ("assert time.monotonic() - began < 1", ["time.monotonic"]),
        ("began = time.thread_time_ns()", ["time.thread_time_ns"]),
        ("now = time.time()", []),
        ("async def f():\n    async with asyncio.timeout(5): pass", ["asyncio.timeout"]),
        ("async def f():\n    async with asyncio.timeout(60): pass", []),
        ("async def f():\n    await asyncio.wait_for(event, 10.0)", ["asyncio.wait_for"]),
        ("DEADLINE_S = 30", ["DEADLINE_S"]),
        ("STARTS_WITHIN_S = 30.0", ["STARTS_WITHIN_S"]),
        ("DEADLINE_S = 120.0", []),
        ('resident = "VmRSS"', ["resident memory"]),
    ],
)
def test_what_depends_on_the_machine_is_found(tmp_path: Path, source: str, problems: list[str]) -> None:
    assert _problems(tmp_path / "test_a.py", source) == problems


def test_tests_that_make_measure_runs_may_read_a_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_tests, "TESTS", tmp_path)
    monkeypatch.setattr(check_tests, "MEASURE", ("test_a.py::test_measured", "test_b.py"))
    clock = "time.process_time()"
    source = f"def _spent(): {clock}\ndef test_measured(): {clock}\ndef test_other(): {clock}\n"
    assert _problems(tmp_path / "test_a.py", source) == ["time.process_time"]
    assert _problems(tmp_path / "test_b.py", source) == []


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("await new Promise((resolve) => setTimeout(resolve, 20));", ["setTimeout"]),
        ("await new Promise((resolve) => setTimeout(resolve));", []),
        ("vi.useFakeTimers();\nsetTimeout(resolve, 500);", []),
        ("const start = performance.now();", ["performance.now()"]),
        ("await vi.waitFor(() => expect(called).toBe(true));", ["vi.waitFor"]),
    ],
)
def test_what_depends_on_the_machine_is_found_in_typescript_too(
    tmp_path: Path, source: str, problems: list[str]
) -> None:
    file = tmp_path / "a.test.ts"
    file.write_text(source, encoding="utf-8")
    assert [problem.text.partition(":")[0] for problem in script_problems_of(file)] == problems
