"""The other nodes of the cluster: which of them are alive, and questions to them.

Questions are sent over the bus between nodes, so answers may be lost. Callers set how long to wait and use the answers
that arrived. Nothing durable depends on an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from secrets import token_hex
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.nodes.peer import ANNOUNCED, COMPACT, LISTED, ROUTED, Peer
from talkwire.core.ports.bus import AnyBusMessage, EphemeralBatch, PeerAnswer, PeerQuestion, Receivers

ASK_S = 1.0
"""Longest time that a node waits for other nodes' answers, which usually take a few milliseconds, in seconds."""

ANNOUNCED_FROM = 8
"""Least number of other nodes among which events are announced, and fetched by the nodes that need them. With fewer,
sending events to all nodes at once carries hardly more, and is faster."""

UNANSWERED_WARN_EVERY_S = 10.0
"""Shortest time between two warnings about missing answers on the same topic, in seconds."""

T = TypeVar("T")

_MALFORMED = (msgspec.MsgspecError, ValueError, RecursionError)
"""Errors that decoding a malformed body, or one of another version, can raise."""


def _as_dict(value: object) -> object:
    """Converts a read-only mapping (an actor's claims) to a dictionary for MessagePack; raises TypeError for other
    types."""
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise TypeError(f"cannot be sent to another node: {type(value).__name__}")


_encode = msgspec.msgpack.Encoder(enc_hook=_as_dict).encode
_logger = structlog.get_logger(__name__)


class _Question:
    """A question of this node that waits for answers: `missing` are the ids of nodes that have not answered, `answers`
    the encoded answers until now by node id."""

    __slots__ = ("answers", "done", "missing")

    def __init__(self, missing: set[str]) -> None:
        self.missing = missing
        self.answers: dict[str, bytes] = {}
        self.done = asyncio.Event()


class _Topic(NamedTuple):
    decode: Callable[[bytes], Any]
    answer: Callable[[Any], Awaitable[object]]


class Peers:
    """The other living nodes of the cluster, and questions to them.

    `send` puts a message on the bus between nodes, for those with the ids in its second argument, None for all; `away`
    returns whether the bus is disconnected.
    """

    def __init__(
        self, node_id: str, send: Callable[[AnyBusMessage, Receivers], None], away: Callable[[], bool]
    ) -> None:
        self.node_id = node_id
        self._send = send
        self._away = away
        self._living: dict[str, Peer] = {}
        self._new: set[str] = set()
        self._known_before: set[str] = set()
        """The new nodes that were known when the leases were requested."""
        self.fetch_events = False
        """Whether the other nodes are many, and all of them fetch events that are announced, and read compressed
        messages."""
        self.read_compact = False
        """Whether the other nodes are many, and all of them read compact changes of who is connected."""
        self.address_signals = False
        """Whether the other nodes are many, and signals have to be sent only to those that need them."""
        self.can_address = False
        """Whether the bus can send a message to some nodes alone."""
        self.address_streams = False
        """Whether the other nodes are many, and what is new in streams has to be sent only to those with readers."""
        self.needing_signals: frozenset[str] = frozenset()
        """Ids of the other nodes that need all signals."""
        self._topics: dict[str, _Topic] = {}
        self._questions: dict[str, _Question] = {}
        self.on_peers_gone: Callable[[Collection[str]], None] = lambda _: None
        """Function that is called with the ids of nodes that are no longer alive."""
        self.on_peers_read: Callable[[Collection[Peer]], None] = lambda _: None
        """Function that is called with all other living nodes each time the leases were read."""
        self._answering = BackgroundTasks()
        self.malformed = 0
        """Number of questions and answers whose body could not be decoded."""
        self._warned: set[tuple[str, str]] = set()
        self._warned_at: dict[str, float] = {}

    @property
    def has_peers(self) -> bool:
        """Returns whether any other node is alive."""
        return bool(self._living or self._new)

    @property
    def are_many(self) -> bool:
        """Returns whether so many other nodes are alive that events are announced."""
        return len(self._living) >= ANNOUNCED_FROM

    @property
    def living_ids(self) -> Collection[str]:
        """The ids of all other living nodes: those with a lease, and those that have sent something since the leases
        were read."""
        return {*self._living, *self._new}

    def have_answered(self, answers: Collection[str]) -> bool:
        """Returns whether `answers` (node ids) contains all other living nodes, also those that have started since the
        leases were last read."""
        return set(self.living_ids) <= set(answers)

    def is_peer(self, node_id: str) -> bool:
        """Returns whether a node is known to be alive: it had a lease when the leases were last read, or has started
        since."""
        return node_id in self._living or node_id in self._new

    def find(self, node_id: str) -> Peer | None:
        return self._living.get(node_id)

    def with_folder(self, folder_id: str) -> Peer | None:
        """Returns a living node that can read the file folder `folder_id`, which holds uploaded files, or None."""
        return next((peer for peer in self._living.values() if folder_id in peer.folder_ids), None)

    def with_folders(self) -> list[Peer]:
        """Returns all living nodes that can read any file folder, i.e. that hold uploaded files."""
        return [peer for peer in self._living.values() if peer.folder_ids]

    def start_reading(self) -> None:
        """Prepares for `set_peers`; called when a read of the leases begins. Nodes that are discovered (`add`) after
        this call may be missing in the result of the read, and `set_peers` does not remove them."""
        self._known_before = set(self._new)

    def set_peers(self, peers: Iterable[Peer]) -> None:
        """Replaces the set of living nodes by `peers`, whose leases were just read. Calls `on_peers_read` with the
        other living nodes, and `on_peers_gone` with the ids of nodes that are no longer alive, for whose answers nobody
        waits any more. Sends each new one an empty message: it then refuses copies of this node's earlier messages."""
        before = self._living.keys()
        self._new -= self._known_before
        self._living = {peer.node_id: peer for peer in peers if peer.node_id != self.node_id}
        for question in self._questions.values():
            question.missing &= self._living.keys() | self._new
            if not question.missing:
                question.done.set()
        self._judge()
        for node_id in self._living.keys() - before:
            self._send(EphemeralBatch(self.node_id, ()), self._addressed(node_id))
        self.on_peers_read(self._living.values())
        if gone := before - self._living.keys():
            self.on_peers_gone(gone)

    def add(self, node_id: str) -> None:
        """Adds a living node that has sent a message. It may have started after the leases were last read."""
        if node_id not in self._living:
            self._new.add(node_id)
            self._judge()

    def _judge(self) -> None:
        """Sets what all other nodes can do. Of new ones the version is unknown until the leases are read. Until then
        they receive the changes of streams if they ask for them, which older ones do not."""
        oldest = min(peer.revision for peer in self._living.values()) if self.are_many else 0
        self.address_streams = self.can_address and oldest >= LISTED
        known = 0 if self._new else oldest
        self.fetch_events, self.read_compact = known >= ANNOUNCED, known >= COMPACT
        self.address_signals = known >= ROUTED
        self.needing_signals = frozenset(peer.node_id for peer in self._living.values() if peer.needs_signals)

    def answer(self, topic: str, kind: type[T], function: Callable[[T], Awaitable[object]]) -> None:
        """Registers the function that answers other nodes' questions of a topic, and whose result is the answer. `kind`
        is the type to which the question's body is decoded."""
        self._topics[topic] = _Topic(msgspec.msgpack.Decoder(kind).decode, function)

    async def ask(
        self, topic: str, body: object, kind: type[T], *, to: str | None = None, wait_s: float = ASK_S
    ) -> dict[str, T]:
        """Sends a question to all other living nodes, or only to the node `to`, and returns node id -> answer, decoded
        to `kind`.

        Waits for at most `wait_s` seconds; the result lacks nodes that did not answer in time. Returns an empty result
        at once if there are no other nodes or the bus is disconnected.
        """
        missing = {to} if to is not None else set(self.living_ids)
        if not missing or self._away():
            return {}
        question_id = token_hex(8)
        question = self._questions[question_id] = _Question(missing)
        try:
            asked = PeerQuestion(self.node_id, question_id, topic, msgspec.Raw(_encode(body)), to)
            self._send(asked, self._addressed(to))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await question.done.wait()
        finally:
            del self._questions[question_id]
        if question.missing:
            self._warn_of_silence(topic, question.missing)
        answers: dict[str, T] = {}
        for node_id, answer in question.answers.items():
            try:
                answers[node_id] = msgspec.msgpack.decode(answer, type=kind)
            except _MALFORMED:
                self._count_malformed(topic, "answer")
        return answers

    def receive(self, dispatch: PeerQuestion | PeerAnswer) -> None:
        """Handles a message from the bus: hands another node's answer to the `ask` that waits for it, or answers
        another node's question with the function registered for its topic. Ignores messages to other nodes and unknown
        topics."""
        if isinstance(dispatch, PeerAnswer):
            question = self._questions.get(dispatch.id) if dispatch.to == self.node_id else None
            if question is not None and dispatch.node_id in question.missing:
                question.missing.discard(dispatch.node_id)
                question.answers[dispatch.node_id] = bytes(dispatch.body)
                if not question.missing:
                    question.done.set()
        elif dispatch.to in {None, self.node_id} and dispatch.topic in self._topics:
            self._answering.start(self._answer(dispatch))

    async def _answer(self, question: PeerQuestion) -> None:
        topic = self._topics[question.topic]
        try:
            decoded = topic.decode(bytes(question.body))
        except _MALFORMED:
            self._count_malformed(question.topic, "question")
            return
        try:
            body = _encode(await topic.answer(decoded))
        except ChatError as error:
            _logger.warning("question_not_answered", topic=question.topic, code=error.code)
            return
        except Exception:
            # The asking node continues without this answer.
            _logger.exception("question_not_answered", topic=question.topic)
            return
        answer = PeerAnswer(self.node_id, question.id, question.node_id, msgspec.Raw(body))
        self._send(answer, self._addressed(question.node_id))

    def _addressed(self, node_id: str | None) -> Receivers:
        """Returns whom to send a message to that is for one node: this node alone if it can be addressed, else all."""
        peer = None if node_id is None else self._living.get(node_id)
        return (peer.node_id,) if peer is not None and peer.is_addressed else None

    def _warn_of_silence(self, topic: str, missing: Iterable[str]) -> None:
        """Logs which nodes have not answered, at most every `UNANSWERED_WARN_EVERY_S` for each topic, because a node of
        another version never answers."""
        now = time.monotonic()
        if now - self._warned_at.get(topic, -UNANSWERED_WARN_EVERY_S) >= UNANSWERED_WARN_EVERY_S:
            self._warned_at[topic] = now
            _logger.warning("nodes_silent", topic=topic, missing=sorted(missing))

    def _count_malformed(self, topic: str, what: str) -> None:
        """Counts a question or answer that could not be decoded, and logs it once for each topic. It is probably from a
        node of another version."""
        self.malformed += 1
        if (topic, what) not in self._warned:
            self._warned.add((topic, what))
            _logger.warning("bus_message_not_understood", topic=topic, what=what)
