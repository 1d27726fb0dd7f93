"""The streams whose home is this node: who receives what is new in them, and when it is stored."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import structlog

from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.streams.storing import Checkpoint, KeepCheckpoints, KeptStreams
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import StreamAdvanced
from talkwire.core.ports.chat import Publisher
from talkwire.core.signals.streams.open_stream import OpenStream
from talkwire.core.signals.streams.pauses import PauseWatch
from talkwire.core.signals.streams.reading_nodes import ReadingNodes

STREAMS_TICK_S = 0.01
"""Seconds between two looks for what readers lack. They are frequent, so that streams are spread over time instead of
being due all at once."""

STORE_EVERY_S = 0.05
"""Seconds between two looks for what is not stored. They are rare, so that many streams share a transaction."""

STREAMS_AT_ONCE = 50
"""Most streams whose readers receive what is new in one turn of the event loop: that takes a few milliseconds."""

_logger = structlog.get_logger(__name__)


class _Taken(NamedTuple):
    """A checkpoint that is being stored: of which stream, and how long its parts are."""

    stream: OpenStream
    lengths: Sequence[int]


class OpenStreams:
    """Sends readers what is new in the streams of this node, and stores it.

    `on_lost` is called with each stream that has ended or that another node has taken over, as a checkpoint has shown.
    `on_unsure` is called if other nodes may have taken over all of them, and the database does not answer.
    """

    def __init__(
        self,
        chat: ChatAccess,
        publisher: Publisher,
        peers: Peers,
        on_lost: Callable[[OpenStream], None],
        on_unsure: Callable[[], None],
    ) -> None:
        self._chat = chat
        self._publisher = publisher
        self._peers = peers
        self._node_id = peers.node_id
        self._on_lost = on_lost
        self._on_unsure = on_unsure
        self.pauses = PauseWatch(lambda: bool(self._streams), self._confirm)
        self._streams: dict[int, OpenStream] = {}
        self._of_authors: defaultdict[str, set[int]] = defaultdict(set)
        """The messages that each user writes, of those in `_streams`, by user id."""
        self._active: dict[int, OpenStream] = {}
        """The streams of which readers or the database lack something."""
        self._due: list[OpenStream] = []
        """The streams of which readers receive something in this turn of the event loop and the next ones."""
        self._numbers_from = 0
        """Number after which the changes of a new stream are counted. A stream that this node takes over once more
        continues with higher numbers, by which other nodes tell new changes from late ones."""
        self.reading_nodes = ReadingNodes(
            peers, publisher, self._streams, lambda: self.pauses.is_confirming, self.send_again
        )
        self._timer: asyncio.TimerHandle | None = None
        self._store_at = 0.0
        """Time of the next look for what is not stored, by the event loop's clock."""

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, message_id: int | None) -> bool:
        return message_id in self._streams

    def get(self, message_id: int) -> OpenStream | None:
        return self._streams.get(message_id)

    def values(self) -> Sequence[OpenStream]:
        return list(self._streams.values())

    def of_authors(self, user_ids: Sequence[str]) -> Sequence[int]:
        """Returns the ids of the messages that users write."""
        return sorted(id_ for user_id in user_ids for id_ in self._of_authors.get(user_id, ()))

    def holds(self, stream: OpenStream) -> bool:
        """Returns whether a stream is open here. It is not if it has ended, or another attempt has taken it over."""
        return self._streams.get(stream.message.id) is stream

    def add(self, stream: OpenStream) -> None:
        stream.number = self._numbers_from
        self._streams[stream.message.id] = stream
        self._of_authors[stream.stream.author_id].add(stream.message.id)
        self.activate(stream)
        self.pauses.start()
        self.reading_nodes.opened(stream)

    def drop(self, message_id: int) -> None:
        stream = self._streams.pop(message_id, None)
        if stream is not None:
            self._numbers_from = max(self._numbers_from, stream.number)
            mine = self._of_authors[stream.stream.author_id]
            mine.discard(message_id)
            if not mine:
                del self._of_authors[stream.stream.author_id]
        self._active.pop(message_id, None)

    def close(self) -> None:
        """Stores what is not stored yet."""
        self.pauses.stop()
        self.reading_nodes.close()
        if self._timer is not None:
            self._timer.cancel()
        self._store([stream for stream in self._active.values() if stream.is_unstored])

    def send_again(self, stream: OpenStream) -> None:
        """Sends what is new in a stream when its time has come, and everything to other nodes that are not in step."""
        stream.has_news = True
        self.activate(stream)

    def activate(self, stream: OpenStream) -> None:
        self._active[stream.message.id] = stream
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(STREAMS_TICK_S, self._tick)

    def _tick(self) -> None:
        """Sends readers what they lack, and stores what is not stored, of the streams whose time it is."""
        now = asyncio.get_running_loop().time()
        self._timer = None
        active = list(self._active.values())
        if now >= self._store_at:
            self._store_at = now + STORE_EVERY_S
            self._store([stream for stream in active if stream.is_unstored and stream.checkpoint_at <= now])
        self._due = [stream for stream in active if stream.has_news and stream.delta_at <= now]
        self._send_due()
        self._active = {id_: stream for id_, stream in self._active.items() if stream.has_news or stream.is_unstored}
        if self._active:
            self._timer = asyncio.get_running_loop().call_later(STREAMS_TICK_S, self._tick)

    def _send_due(self) -> None:
        """Sends the changes of some streams, and of the others in the next turns of the event loop."""
        if self.pauses.is_confirming:
            self._due.clear()  # the next tick sends what is still this node's
            return
        due, self._due = self._due[:STREAMS_AT_ONCE], self._due[STREAMS_AT_ONCE:]
        self.send_changes(due)
        if self._due:
            asyncio.get_running_loop().call_soon(self._send_due)

    def send_changes(self, streams: Sequence[OpenStream]) -> None:
        """Sends what is new in streams to readers here and to the other nodes."""
        now = asyncio.get_running_loop().time()
        news = [(stream, self._advance(stream, now)) for stream in streams if self.holds(stream)]
        here = [event for _, event in news if event.changes]
        if here:
            self._publisher.publish_here(here)
        self.reading_nodes.send(news)

    def _advance(self, stream: OpenStream, now: float) -> StreamAdvanced:
        return StreamAdvanced(
            stream.stream.conversation_id,
            stream.message.id,
            stream.message.seq,
            stream.take_changes(now),
            stream.source,
            attempt=stream.stream.attempt,
            home_id=self._node_id,
        )

    async def store(self, stream: OpenStream) -> None:
        """Stores a stream as it is now. Raises ChatError if the database does not answer."""
        keep, taken = self._take_checkpoints([stream])
        try:
            kept = await self._chat.execute(NODE, keep)
        except ChatError as error:
            self._stored(taken, KeptStreams(), error)
            raise
        self._stored(taken, kept, None)

    def _store(self, streams: Sequence[OpenStream]) -> None:
        if not streams:
            return
        keep, taken = self._take_checkpoints(streams)
        done: Callable[[KeptStreams, Exception | None], None] = partial(self._stored, taken)
        self._chat.submit(NODE, keep, done)

    def _take_checkpoints(self, streams: Sequence[OpenStream]) -> tuple[KeepCheckpoints, Sequence[_Taken]]:
        now = asyncio.get_running_loop().time()
        checkpoints: list[Checkpoint] = []
        taken: list[_Taken] = []
        for stream in streams:
            checkpoint, lengths = stream.take_checkpoint(now)
            checkpoints.append(checkpoint)
            taken.append(_Taken(stream, lengths))
        return KeepCheckpoints(self._node_id, tuple(checkpoints)), taken

    async def _confirm(self) -> None:
        """Finds out which streams have another home now, by storing all of them."""
        if not self._peers.has_peers:
            return
        keep, taken = self._take_checkpoints(self.values())
        try:
            kept = await self._chat.execute(NODE, keep)
        except ChatError:
            self._on_unsure()
        else:
            self._stored(taken, kept, None)

    def _stored(self, taken: Sequence[_Taken], kept: KeptStreams, error: Exception | None) -> None:
        if error is not None:
            _logger.warning("checkpoints_not_stored", streams=len(taken), error=str(error))
        for stream, lengths in taken:
            if not self.holds(stream):
                continue
            if error is not None:
                stream.is_unstored = True
                self.activate(stream)
            elif stream.message.id in kept.lost:
                self._on_lost(stream)
            else:
                stream.checkpoint_stored(lengths)
                stream.stop = kept.stops.get(stream.message.id, stream.stop)
