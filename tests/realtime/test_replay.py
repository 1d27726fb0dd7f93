"""The short cuts of a replay send exactly what its general path sends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import cast

import pytest

from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.audience import Reader, event_for_reader
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import (
    Actor,
    HistoryStart,
    MemberPreferences,
    Message,
    Quote,
)
from talkwire.core.engine.chat import Chat
from talkwire.dialects.built_in import DIALECTS
from talkwire.realtime.clients.chat_client import ChatClient, DialectEncoding
from talkwire.realtime.clients.recoverable import RecoverableSocket
from talkwire.realtime.clients.recovery_token import RecoveryClaims
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.recovery.event_ring import EventRing, RingEntry
from talkwire.realtime.recovery.missed_events import MissedEventReader
from talkwire.realtime.recovery.replay import ReplayingSocket

CASES = 150


def random_message(chance: random.Random) -> MessageSent:
    pos = chance.randrange(1, 50)
    quote = Quote(id_at(1), "bob", "before", 1) if chance.random() < 0.4 else None
    sender = chance.choice(("alice", "bob"))
    content = chance.choice(("hello", "hello @alice", "Grüße"))
    sent = Message(id_at(pos), chance.choice("cd"), pos, sender, sender, content, 5, reply_to=quote)
    return MessageSent(pos, 5, sent)


def random_client(chance: random.Random, dialect: str) -> ChatClient:
    muted = {"c": MemberPreferences(muted=True)} if chance.random() < 0.5 else {}
    histories = {"c": HistoryStart(chance.randrange(1, 50), 1)} if chance.random() < 0.5 else {}
    entry = DirectoryEntry(None, {"c", "d"}, member_preferences=muted, histories=histories)
    return ChatClient(Actor("alice", "Alice"), entry, DIALECTS[dialect], None, None)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_new_message_is_sent_as_on_the_general_path(dialect: str) -> None:
    chance = random.Random(7)
    group = DialectEncoding("/", DIALECTS[dialect], recoverable=True, epoch=lambda: "epoch")
    frames: list[bytes] = []
    for _ in range(CASES):
        event, client = random_message(chance), random_client(chance, dialect)
        recoverable = RecoverableSocket(RecoveryClaims("alice", "/", dialect, "s", "epoch", "node", 0), "pid")
        if chance.random() < 0.5:
            recoverable.chosen[event.message.conversation_id] = chance.random() < 0.5
        replaying = ReplayingSocket(group, client, recoverable, lambda *_: None)
        frames.append(replaying.frames_of(RingEntry(event)))
        assert frames[-1] == b"".join(replaying._frames(RingEntry(event), None))
    assert len(set(frames)) > 2


def test_a_user_sees_a_new_message_as_on_the_general_path() -> None:
    chance = random.Random(7)
    found: list[MessageSent | None] = []
    for _ in range(CASES):
        event, reader = random_message(chance), Reader("alice", random_client(chance, "messenger").entry.histories)
        seen = RingEntry(event).for_reader(reader)
        expected = event_for_reader(event, reader)
        assert (None if seen is None else seen.event) == expected
        found.append(None if expected is None else cast("MessageSent", expected))
    assert None in found


class GrowingLog:
    """The parts of the chat that a lookup in memory uses."""

    def __init__(self) -> None:
        self.pos = 0
        self.directory = self

    def contacts(self, _user_id: str) -> Sequence[str]:
        return ()

    def peek(self, _user_id: str) -> None:
        return None


def test_a_lookup_that_is_repeated_finds_what_has_happened_since() -> None:
    log, ring = GrowingLog(), EventRing(0)
    reader = MissedEventReader(cast("Chat", log), ring, RealtimeMetrics())
    alice, bob = (random_client(random.Random(7), "messenger") for _ in range(2))
    bob.entry.conversation_ids = {"d"}

    def send(conversation_id: str) -> None:
        log.pos += 1
        ring.follow([MessageSent(log.pos, 1, Message(log.pos, conversation_id, log.pos, "x", "X", "hi", 1))])

    def positions(client: ChatClient, after: int) -> list[int] | None:
        found = reader.in_memory(client, after)
        return None if found is None else [entry.event.pos for entry in found]

    send("c")
    assert positions(alice, 0) == positions(alice, 0) == [1]
    send("c")
    assert positions(alice, 0) == [1, 2]
    assert positions(alice, 1) == [2]
    assert positions(bob, 1) == []
    alice.entry.moved_pos = 2
    assert positions(alice, 1) is None
