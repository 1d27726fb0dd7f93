"""Counts the commands that users give, by name and outcome, and logs those that are refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.engine.limits import RateLimited, kind_of
from talkwire.observability.refusals import log_refusal
from talkwire.observability.spans import Tracer

CARRIED_OUT = "ok"
"""Outcome of a command that was carried out. The outcome of any other is the code of its refusal."""

UNREADABLE_COMMAND = "unreadable"
"""Stand-in for the command of an event that no command was made of: its name or its payload is invalid."""


class CommandOutcomes(Collector):
    """The Prometheus collector that counts the commands of sockets and REST requests, by name and outcome. Register it
    with a `CollectorRegistry`.

    `name_of` returns the name of a command's class. With a `tracer`, commands are also recorded as spans, if `begin`
    was called before them.
    """

    def __init__(self, name_of: Callable[[type], str], tracer: Tracer | None = None) -> None:
        self._name_of = name_of
        self._tracer = tracer
        self._counts: Counter[tuple[type | None, str]] = Counter()

    @property
    def total(self) -> int:
        """The number of commands counted since the start, including refused commands."""
        return self._counts.total()

    def begin(self) -> int:
        """Returns the present time as the start of a command, in nanoseconds since 1970; 0 if tracing is off."""
        return 0 if self._tracer is None else time.time_ns()

    def succeeded(self, command_type: type, began_ns: int = 0) -> None:
        """Counts a command that was executed. `began_ns` is what `begin` returned before the command; 0 records no
        span.
        """
        self._counts[command_type, CARRIED_OUT] += 1
        if began_ns:
            self._trace(self._name_of(command_type), began_ns, None)

    def refused(
        self,
        actor: Actor,
        command_type: type | None,
        error: ChatError,
        began_ns: int = 0,
        name: str = "unknown",
    ) -> None:
        """Counts and logs a refused command of `actor`. `began_ns` is what `begin` returned before the command; 0
        records no span.

        `command_type` is None if the event `name` of a client was invalid, so that no command could be made of it.
        """
        self._counts[command_type, error.code] += 1
        command = name if command_type is None else self._name_of(command_type)
        if began_ns:
            self._trace(command, began_ns, error.code)
        known = {"cause": error.cause, "conversation_id": error.conversation_id}
        more = {field: value for field, value in known.items() if value}
        if isinstance(error, RateLimited):
            limit = kind_of(command_type or type(None))
            log_refusal("rate_limited", limit=str(limit), command=command, user_id=actor.user_id, **more)
            return
        log_refusal("command_refused", command=command, code=error.code, user_id=actor.user_id, **more)

    def _trace(self, command: str, began_ns: int, error: str | None) -> None:
        if self._tracer is not None:
            self._tracer.record(command, began_ns, time.time_ns(), error, {"talkwire.command": command})

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "talkwire_commands", "Commands of users, by name and outcome", labels=["command", "outcome"]
        )
        counts: Counter[tuple[str, str]] = Counter()
        for (command_type, outcome), count in self._counts.items():
            counts[UNREADABLE_COMMAND if command_type is None else self._name_of(command_type), outcome] += count
        for labels, count in sorted(counts.items()):
            family.add_metric(labels, count)
        yield family
