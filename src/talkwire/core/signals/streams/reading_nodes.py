"""Sends the changes of the streams whose home is this node to the other nodes.

Among few nodes, all receive them. Among many, those do that have readers: a home lists its open streams to all nodes
once a second, and each answers which of them it has readers of, and of which it lacks something. A node that loses a
change asks for everything at once (`StreamForwarding.report_loss`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec.structs import replace

from talkwire.core.cluster.peers import Peers
from talkwire.core.domain.events import OpenStreamAt, StreamAdvanced, StreamsOpen, StreamsRead
from talkwire.core.ports.bus import Receivers
from talkwire.core.ports.chat import Publisher
from talkwire.core.signals.contact_places import ADDRESSED_SHARE
from talkwire.core.signals.streams.open_stream import OpenStream

LIST_EVERY_S = 1.0
"""Seconds between two lists in which a node says which streams it has readers of."""

READ_S = 3 * LIST_EVERY_S + 0.5
"""Seconds for which a node receives the changes of a stream after it has announced readers: two lists may be lost."""

LISTED_AT_ONCE = 500
"""Most streams that one event lists: that is at most 15 KB."""


class ReadingNodes:
    """The other nodes that read the streams of this one. `streams` are these, by message id; `are_uncertain` returns
    whether they may belong to other nodes by now; `send_again` makes this node call `send` for a stream when its time
    has come."""

    def __init__(
        self,
        peers: Peers,
        publisher: Publisher,
        streams: Mapping[int, OpenStream],
        are_uncertain: Callable[[], bool],
        send_again: Callable[[OpenStream], None],
    ) -> None:
        self._peers = peers
        self._publisher = publisher
        self._streams = streams
        self._are_uncertain = are_uncertain
        self._send_again = send_again
        self._timer: asyncio.TimerHandle | None = None
        self._for_all_until = 0.0
        """Time until which all nodes receive all changes, by the event loop's clock: while there are few nodes, and
        then for as long as many need to say which streams they have readers of."""

    def opened(self, stream: OpenStream) -> None:
        """Lists a stream whose home this node has just become, and from now on all streams once a second."""
        self._list([stream])
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LIST_EVERY_S, self._list_all)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def receive(self, event: StreamsRead) -> None:
        """Notes which streams another node has readers of."""
        until = _now() + READ_S
        for message_id in event.message_ids:
            stream = self._streams.get(message_id)
            if stream is not None:
                stream.read_until[event.node_id] = until
        for message_id in event.lacking:
            self.asked(message_id, event.node_id)

    def asked(self, message_id: int, node_id: str) -> None:
        """Lets a node that reads a stream, and has lost something of it or has nothing of it, receive everything. Among
        many nodes at once, since only this one receives it."""
        stream = self._streams.get(message_id)
        if stream is None:
            return
        stream.read_until[node_id] = _now() + READ_S
        stream.nodes_in_step = [each for each in stream.nodes_in_step if each != node_id]
        if self._peers.address_streams:
            stream.delta_at = _now()
        self._send_again(stream)

    def send(self, news: Sequence[tuple[OpenStream, StreamAdvanced]]) -> None:
        """Sends what is new in streams, and everything of them to nodes that may lack something."""
        if not self._peers.has_peers:
            for stream, _ in news:
                stream.nodes_in_step = ()
            return
        found: defaultdict[Receivers, list[StreamAdvanced]] = defaultdict(list)
        living, now = set(self._peers.living_ids), _now()
        is_for_all = self._is_for_all(now)
        for stream, event in news:
            reading = {id_ for id_, until in stream.read_until.items() if until > now} & living
            in_step, lacking = _moved_on(stream, event, living if is_for_all else reading)
            if lacking:
                changes = tuple(stream.parts.whole())
                whole = replace(event, changes=changes, number=stream.number, is_whole=True)
                found[None if is_for_all else tuple(sorted(lacking))].append(whole)
            if event.changes and in_step and not (lacking and is_for_all):
                are_most = is_for_all or len(in_step) > ADDRESSED_SHARE * len(living)
                sent = replace(event, number=stream.number)
                found[None if are_most else tuple(sorted(in_step))].append(sent)
        for to, events in found.items():
            self._publisher.publish_to(events, to)

    def _is_for_all(self, now: float) -> bool:
        if not self._peers.address_streams:
            self._for_all_until = now + READ_S
        return self._for_all_until > now

    def _list_all(self) -> None:
        self._timer = None
        if self._is_for_all(_now()):
            self._complete()
        if not self._are_uncertain():
            self._list(self._streams.values())
        if self._streams:
            self._timer = asyncio.get_running_loop().call_later(LIST_EVERY_S, self._list_all)

    def _complete(self) -> None:
        """Sends everything to nodes that have received nothing of a stream in which nothing is new."""
        living = set(self._peers.living_ids)
        for stream in self._streams.values():
            if not living <= set(stream.nodes_in_step):
                self._send_again(stream)

    def _list(self, streams: Collection[OpenStream]) -> None:
        if not self._peers.address_streams:
            return
        listed = [
            OpenStreamAt(each.message.id, each.stream.conversation_id, each.stream.attempt, each.number)
            for each in streams
        ]
        for start in range(0, len(listed), LISTED_AT_ONCE):
            some = tuple(listed[start : start + LISTED_AT_ONCE])
            self._publisher.publish_to([StreamsOpen(self._peers.node_id, some)], None)


def _moved_on(stream: OpenStream, event: StreamAdvanced, nodes: set[str]) -> tuple[set[str], set[str]]:
    """Counts a change of a stream, with which these nodes are in step. Returns which of them were it before, and which
    were not."""
    if event.changes:
        stream.number += 1
    in_step = nodes & set(stream.nodes_in_step)
    stream.nodes_in_step = nodes
    return in_step, nodes - in_step


def _now() -> float:
    return asyncio.get_running_loop().time()
