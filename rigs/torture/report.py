"""The final report of a campaign: its figures and, for each violation, the part of the history that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

from rigs.torture.campaign import Outcome
from rigs.torture.checks.violation import Violation
from rigs.torture.history import Command, History, lines

SHOWN_MAX = 12
"""Violations that are shown with their history; further ones are listed."""


def report(outcome: Outcome) -> str:
    return "\n".join([*_head(outcome), *_figures(outcome), *_violations(outcome)])


def write_report(outcome: Outcome, folder: Path) -> Path:
    path = folder / "report.txt"
    path.write_text(report(outcome) + "\n", encoding="utf-8")
    return path


def _head(outcome: Outcome) -> Iterator[str]:
    options = outcome.options
    found = len(outcome.findings.violations)
    yield f"Torture, seed {options.seed}: {'no violation' if not found else f'{found} VIOLATIONS'}"
    yield f"  {outcome.took_s:.0f} s in all, clients acted for {outcome.acted_until:.0f} s; {options.clients} clients"
    if options.sabotage is not None:
        yield f"  sabotage: {options.sabotage}"
    for kind, why in outcome.left_out.items():
        yield f"  left out: {kind}: {why}"


def _figures(outcome: Outcome) -> Iterator[str]:
    history = outcome.history
    commands = history.commands
    tries = [tried for command in commands for tried in command.tries]
    outcomes = Counter(tried.outcome for tried in tries)
    yield f"  commands      {_counted(Counter(command.kind for command in commands))}"
    again = sum(len(command.tries) > 1 for command in commands)
    yield f"  attempts      {len(tries)}: {_counted(outcomes)}; {again} commands were tried again"
    received = sum(len(stream.received) for stream in history.streams)
    synced, streamed = (sum(len(each.synced) for each in them) for them in (history.resumers, history.replicas))
    yield f"  events received {received} over sockets, {synced} by sync, {streamed} by the back end"
    connects = [connect for stream in history.streams for connect in stream.connects]
    recovered = sum(connect.recovered for connect in connects)
    yield f"  connects      {len(connects)}, of which {recovered} recovered; {len(history.streams)} socket sessions"
    yield f"  faults        {len(history.faults)}: {_counted(Counter(fault.kind for fault in history.faults))}"
    yield f"  log           {outcome.tables.head} positions, {len(outcome.tables.messages)} messages"
    yield f"  answered in   {_latencies(history, outcome.calm_until)}"
    yield f"  memory        {_memory(outcome)}"
    yield f"  left over     {_left(outcome)}"
    yield f"  looked at     {_counted(outcome.findings.looked_at)}"


def _counted(counter: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(counter).most_common()) or "none"


def _latencies(history: History, calm_until: float) -> str:
    """Of attempts that were answered: before the faults, and during them."""
    calm: list[float] = []
    during: list[float] = []
    for command in history.commands:
        if (taken := _taken(command)) is not None:
            (calm if command.began < calm_until else during).append(taken)
    return f"{_spread(calm)} before the faults, {_spread(during)} during them, from the first attempt on"


def _taken(command: Command) -> float | None:
    acked = command.acked
    return None if acked is None or acked.until is None else (acked.until - command.began) * 1000


def _spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return "-"
    cuts = quantiles(values, n=100, method="inclusive")
    return f"{cuts[49]:.0f} ms (median), {cuts[98]:.0f} ms (99 of 100), {max(values):.0f} ms (all)"


def _memory(outcome: Outcome) -> str:
    by_process: dict[tuple[str, int], list[float]] = {}
    for sample in outcome.resources.samples:
        by_process.setdefault((sample.node, sample.pid), []).append(sample.resident_mb)
    longest = sorted(by_process.items(), key=lambda each: -len(each[1]))[:3]
    return "; ".join(
        f"{node} {found[0]:.0f} to {found[-1]:.0f} MB, at most {max(found):.0f}" for (node, _), found in longest
    )


def _left(outcome: Outcome) -> str:
    resources = outcome.resources
    return "; ".join(
        f"{node} {gauges.connections or 0:.0f} connections, {gauges.sockets or 0:.0f} sockets,"
        f" {gauges.tasks or 0:.0f} tasks ({resources.fresh[node].tasks or 0:.0f} at its start)"
        for node, gauges in resources.left.items()
    )


def _violations(outcome: Outcome) -> Iterator[str]:
    found = outcome.findings.violations
    for violation in found[:SHOWN_MAX]:
        yield from _shown(violation, outcome)
    for violation in found[SHOWN_MAX:]:
        yield f"  also: {violation.broken}: {violation.says}"


def _shown(violation: Violation, outcome: Outcome) -> Iterator[str]:
    yield ""
    yield f"VIOLATION (seed {outcome.options.seed}): {violation.broken}"
    yield f"  {violation.says}"
    for line in [*violation.shows, *lines(outcome.history, violation.about)]:
        yield f"    {line}"
