"""Logs and counts the ends of messages that were written while others read them (streams)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import get_args

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.core.domain.events import Durable, MessageDeleted, StreamStateChanged
from talkwire.core.domain.parts.streams import StreamState

_ENDING = StreamStateChanged | MessageDeleted
"""Events that may end a stream. Each message is compared with them, so their union is made once."""

_STATES: tuple[StreamState, ...] = get_args(StreamState)

_logger = structlog.get_logger(__name__)


class StreamMetrics(Collector):
    """The Prometheus collector of streams. Pass the events of each transaction that this node has committed to `note`.
    `count_open` returns of how many streams this node is the home, i.e. holds the newest text."""

    def __init__(self, count_open: Callable[[], int]) -> None:
        self._count_open = count_open
        self._ends: Counter[StreamState] = Counter()

    def note(self, events: Sequence[Durable]) -> None:
        for event in events:
            if not isinstance(event, _ENDING):
                continue
            message = event.message
            if message.state is None or message.state == "streaming":
                continue
            self._ends[message.state] += 1
            _logger.info(
                "stream_ended",
                message_id=str(message.id),
                conversation_id=message.conversation_id,
                user_id=message.sender_id,
                state=message.state,
            )

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "talkwire_streams", "Streams of which this node has the newest text", self._count_open()
        )
        ends = CounterMetricFamily("talkwire_stream_ends", "Streams that this node has ended", labels=["state"])
        for state in _STATES:
            if state != "streaming":
                ends.add_metric([state], self._ends[state])
        yield ends
