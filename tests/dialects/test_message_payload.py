"""The short way to the payload of a plain text builds the same as the full one."""

from __future__ import annotations

import msgspec
import pytest

from talkwire.core.domain.agents.turns import Cause
from talkwire.core.domain.cards.card import AskedCard, CardAction, MessageCard
from talkwire.core.domain.model import (
    Attachment,
    Generated,
    LinkPreview,
    Message,
    Origin,
    Quote,
    Reaction,
    ThreadActivity,
)
from talkwire.core.domain.parts.message_parts import DataPart, TextPart
from talkwire.core.domain.parts.streams import StreamError
from talkwire.payloads import messages
from talkwire.payloads.messages import message_payload

PLAIN = Message(1, "c", 1, "alice", "Alice", "Hello", 1_700_000_000_000)
OTHER = {
    "sender_avatar": "https://example.com/a.png",
    "client_message_id": "m1",
    "metadata": {"a": 1},
    "command_hash": 5,
    "attachments": (Attachment("/files/f1/content", "a.txt", "f1", "text/plain", 5),),
    "mentions": ("bob",),
    "mentions_all": True,
    "reply_to": Quote(2, "bob", "Hi"),
    "thread_id": 2,
    "forwarded_from": Origin(3, "carol"),
    "reactions": (Reaction("👍", 1, ("bob",)),),
    "reply_count": 1,
    "pinned_ms": 1_700_000_000_001,
    "edited_ms": 1_700_000_000_001,
    "deleted_ms": 1_700_000_000_001,
    "deleted_by": "alice",
    "imported": True,
    "system": True,
    "previews": (LinkPreview("https://example.com/", "A page"),),
    "without_previews": True,
    "thread": ThreadActivity(1_700_000_000_001, ()),
    "generated": Generated("alice", "a-model"),
    "on_behalf_of": "bob",
    "notes_of": "d",
    "parts": (TextPart("Hello"), DataPart("x", 1)),
    "state": "failed",
    "error": StreamError("overloaded", "The model is overloaded."),
    "first_end_pos": 2,
    "card": MessageCard(AskedCard("Lunch?", (CardAction("yes", "Yes"),), "first"), "a digest"),
    "cause": Cause(1, 2, 3),
}


def test_each_member_of_a_message_is_tried() -> None:
    assert set(OTHER) == {field.name for field in msgspec.structs.fields(Message) if not field.required}


@pytest.mark.parametrize("name", OTHER)
def test_a_message_with_one_more_member_has_the_full_payload(name: str) -> None:
    names = {"state", "error"} if name == "error" else {name}
    message = msgspec.structs.replace(PLAIN, **{name: OTHER[name] for name in names})
    assert message_payload(message) == messages._full_payload(message)


def test_the_payload_of_the_same_message_is_made_once_and_that_of_a_changed_one_again() -> None:
    made = message_payload(PLAIN)
    assert message_payload(PLAIN) is made
    changed = msgspec.structs.replace(PLAIN, content="Bye")
    assert message_payload(changed).content == "Bye"
    assert message_payload(PLAIN).content == "Hello"


def test_few_payloads_are_kept_and_no_long_ones() -> None:
    for number in range(2000):
        message_payload(msgspec.structs.replace(PLAIN, id=number))
    assert len(messages._recent) <= 512
    messages._recent.clear()
    message_payload(msgspec.structs.replace(PLAIN, content="x" * 1001))
    assert not messages._recent
