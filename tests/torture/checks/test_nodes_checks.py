"""What nodes have left over, take or log that they should not is found."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rigs.torture.checks.logs import QUIET, check_logs
from rigs.torture.checks.resources import MEMORY, NOTHING_LEFT, READY, Gauges, Resources, Sample, check_resources
from rigs.torture.checks.story import broken
from rigs.torture.checks.violation import Findings
from rigs.torture.history import History

STAMP = "1970-01-01T00:16:50Z"  # ten seconds after 1000


def good() -> Resources:
    idle = Gauges(0, 0, 12)
    return Resources(
        clients=7,
        fresh_mb=120,
        fresh={"node-1": idle, "node-2": idle},
        full={"node-1": Gauges(3, 3, 20), "node-2": Gauges(4, 4, 20)},
        left={"node-1": idle, "node-2": Gauges(0, 0, 13)},
        ready={"node-1": True, "node-2": True},
        samples=[Sample(float(at), "node-1", 1, 120 + at, 10 * at) for at in range(50)],
    )


def found(resources: Resources) -> list[str]:
    findings = Findings()
    check_resources(resources, findings)
    return broken(findings)


def test_nodes_that_have_nothing_left_pass() -> None:
    assert found(good()) == []


def test_a_connection_that_is_left_over_is_found() -> None:
    resources = good()
    resources.left["node-2"] = Gauges(1, 0, 12)
    assert found(resources) == [NOTHING_LEFT]


def test_a_task_that_is_left_over_is_found() -> None:
    resources = good()
    resources.left["node-2"] = Gauges(0, 0, 30)
    assert found(resources) == [NOTHING_LEFT]


def test_a_socket_too_many_is_found() -> None:
    resources = good()
    resources.full["node-2"] = Gauges(5, 5, 20)
    assert found(resources) == [NOTHING_LEFT]


def test_a_node_that_is_not_ready_is_found() -> None:
    resources = good()
    resources.ready["node-1"] = False
    assert found(resources) == [READY]


def test_memory_that_only_grows_is_found() -> None:
    resources = good()
    resources.samples = [Sample(float(at), "node-1", 1, 120 + 5 * at, 10 * at) for at in range(60)]
    assert found(resources) == [MEMORY]


def test_a_process_after_the_other_may_take_as_much_each() -> None:
    resources = good()
    resources.samples += [Sample(60.0 + at, "node-1", 2, 120 + at, 600 + at) for at in range(60)]
    assert found(resources) == []


def logged(line: Mapping[str, object], *, fault: str | None = None, at: float = 9.0) -> list[str]:
    now = [at]
    history = History(lambda: now[0])
    history._began = 0.0
    if fault is not None:
        history.fault(fault, "").until = at + 2
    now[0] = 100.0
    findings = Findings()
    check_logs({"node-1": [line]}, history, 1000.0, findings)
    return broken(findings)


def test_information_is_no_violation() -> None:
    assert logged({"level": "info", "event": "hello", "timestamp": STAMP}) == []


def test_an_error_that_nothing_explains_is_found() -> None:
    line = {"level": "error", "event": "database_failed", "timestamp": STAMP}
    assert logged(line) == [QUIET]
    assert logged(line, fault="valkey-kill") == [QUIET]


@pytest.mark.parametrize("event", ["database_failed", "database_stalled", "lease_expired"])
def test_an_error_that_a_simultaneous_fault_explains_is_no_violation(event: str) -> None:
    line = {"level": "error", "event": event, "timestamp": STAMP}
    assert logged(line, fault="postgresql-crash") == []
    assert logged(line, fault="postgresql-crash", at=60.0) == [QUIET]


def test_an_error_of_a_node_whose_clock_is_wrong_is_put_right() -> None:
    line = {"level": "error", "event": "database_failed", "timestamp": "1970-01-01T01:16:50Z"}
    assert logged(line, fault="postgresql-crash") == []


def test_an_exception_that_no_fault_explains_is_found() -> None:
    line = {"level": "warning", "event": "x", "exception": "KeyError: 3", "timestamp": STAMP}
    assert logged(line, fault="postgresql-crash") == [QUIET]
