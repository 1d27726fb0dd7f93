"""Checks the nodes' logs: no error except those that a fault at that time explains."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rigs.torture.checks.violation import Findings
from rigs.torture.history import About, Fault, History

QUIET = "nodes log no error that no fault explains"

BAD_LEVELS = frozenset({"error", "critical", "unreadable"})
AFTER_S = 10.0
"""Seconds after the end of a fault during which its errors may appear."""


@dataclass(frozen=True)
class Allowed:
    """Lines whose event or error matches are expected while one of these kinds of faults is on."""

    pattern: re.Pattern[str]
    faults: frozenset[str]
    why: str


_DATABASE = frozenset({"postgresql-restart", "postgresql-crash", "postgresql-stall", "postgresql-lock"})
_NODE = frozenset({"pause", "kill", "skew", "drain"})
_VALKEY = frozenset(
    {"valkey-cut", "valkey-pause", "valkey-kill", "valkey-flush", "link-cut", "link-stall", "link-refuse"}
)

ALLOWED: tuple[Allowed, ...] = (
    Allowed(
        re.compile(r"^((database|read|node_command)_failed|database_stalled)\b"),
        _DATABASE | {"pause"},
        "the commands were refused, and their callers know",
    ),
    Allowed(
        re.compile(r"^talkwire: (the database \S+ cannot be used|The database does not answer)"),
        _DATABASE,
        "it was started without a database, ended with that line, and was started again",
    ),
    Allowed(
        re.compile(r"^lease_expired\b"),
        _DATABASE | {"pause"},
        "it was, or could not renew it: that is what it says then",
    ),
    Allowed(
        re.compile(r"timeout graceful shutdown exceeded"),
        _DATABASE,
        "its stop was ordered while the database held its requests up for longer than a stop may take",
    ),
    Allowed(
        re.compile(r"^(log_head_not_read|leases_not_read|lease_not_renewed)\b"),
        _DATABASE,
        "they are read and renewed again when it is back",
    ),
    Allowed(
        re.compile(
            r"OperationalError|AdminShutdown|server closed the connection|terminating connection|CannotConnectNow"
        ),
        _DATABASE | {"pause"},
        "a query in the moment in which the database went",
    ),
)


def check_logs(
    logged: Mapping[str, Iterable[Mapping[str, Any]]], history: History, began_wall_s: float, findings: Findings
) -> None:
    """Checks the log lines of each node (`logged`). `began_wall_s` is the campaign's start in seconds since 1970."""
    for node, lines in logged.items():
        for line in lines:
            findings.count("log lines")
            if line.get("level") not in BAD_LEVELS and "exception" not in line:
                continue
            times = _times_of(line, began_wall_s, history.now())
            if _explained(line, times, history.faults):
                findings.count("log lines explained by faults")
                continue
            about = About(since=times[0], until=times[0]) if times else About()
            findings.add(QUIET, f"{node}: {line.get('event')}", about, (str(dict(line))[:4000],))


def _explained(line: Mapping[str, Any], times: Sequence[float], faults: Iterable[Fault]) -> bool:
    text = f"{line.get('event')} {line.get('error', '')} {line.get('exception', '')}"
    kinds = {kind for allowed in ALLOWED if allowed.pattern.search(text) for kind in allowed.faults}
    return any(fault.kind in kinds and (not times or any(_is_on(fault, at) for at in times)) for fault in faults)


def _is_on(fault: Fault, at: float) -> bool:
    return fault.at - 1 <= at and (fault.until is None or at <= fault.until + AFTER_S)


def _times_of(line: Mapping[str, Any], began_wall_s: float, ended: float) -> list[float]:
    """Returns when a line may have been written, in seconds since the campaign's start: the node's clock may be wrong
    by an hour.
    """
    stamp = line.get("timestamp")
    if not isinstance(stamp, str):
        return []
    at = datetime.datetime.fromisoformat(stamp).timestamp() - began_wall_s
    return [each for each in (at, at - 3600, at + 3600) if -60 <= each <= ended + 60]
