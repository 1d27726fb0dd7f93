"""Runs the scenarios of page.mjs against a demo server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.protocol.server_process import free_port, running

DEADLINE_S = 120.0

Report = dict[str, Any]


def serving(folder: Path, port: int, *options: str) -> AbstractContextManager[str]:
    """A demo server on `port` with its data in `folder`; killed, not stopped, at the end."""
    command = [sys.executable, "-m", "talkwire", "serve", "--demo", "--no-rate-limits", "--data", str(folder)]
    return running([*command, *options, "--port"], port)


@contextmanager
def driving(driver: list[str], url: str, area: str, scenario: str) -> Iterator[subprocess.Popen[str]]:
    """The running script; it has to end well."""
    with subprocess.Popen(
        [*driver, url, area, scenario],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_report(process: subprocess.Popen[str]) -> Report:
    """What happened next."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()
    report = json.loads(line)
    assert isinstance(report, dict)
    return report


def tell(process: subprocess.Popen[str], line: str) -> None:
    """Answers a script that waits for it."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str]) -> dict[str, Report]:
    """What happened until the script's end, by name."""
    output, errors = process.communicate(timeout=DEADLINE_S)
    reports = [json.loads(line) for line in output.splitlines()]
    assert process.returncode == 0, (reports, errors)
    return {report.pop("happened"): report for report in reports}


def run_through_a_kill(
    driver: list[str], folder: Path, area: str, scenario: str, meanwhile: Report | None = None
) -> dict[str, Report]:
    """What happened in a scenario whose server is killed once it is ready, and which goes on with another one at its
    address; before that it reports `meanwhile`, where that is given."""
    port = free_port()
    with ExitStack() as first_server, ExitStack() as second_server:
        url = first_server.enter_context(serving(folder, port))
        process = second_server.enter_context(driving(driver, url, area, scenario))
        assert next_report(process) == {"happened": "ready"}
        first_server.close()
        if meanwhile is not None:
            reported = next_report(process)
            assert reported == meanwhile, reported
        second_server.enter_context(serving(folder, port))
        tell(process, "started again")
        reports = finish(process)
    done = reports.pop("done")
    assert done == {"complaints": []}, done
    return reports


def run(driver: list[str], url: str, area: str, scenario: str) -> dict[str, Report]:
    """What happened in a scenario in which the browser had nothing to complain about."""
    with driving(driver, url, area, scenario) as process:
        reports = finish(process)
    done = reports.pop("done")
    assert done == {"complaints": []}, done
    return reports
