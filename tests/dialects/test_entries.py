"""The entries of tables that several dialects have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from talkwire.core.commands.messages import DeleteMessage, EditMessage, React, Unreact
from talkwire.core.commands.presence import GetPresence
from talkwire.core.commands.receipts import MarkDelivered, MarkRead
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.events import PresenceChanged, TypingChanged, UploadProgressed
from talkwire.core.domain.model import Presence
from talkwire.dialects import entries
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.entries import SharedInbound
from talkwire.operations.socket_commands import JoinRoom, LeaveRoom
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import done

GIVEN: Any = SimpleNamespace(
    conversation_id="c",
    message_id="1",
    content="x",
    emoji="+",
    sender_id=None,
    is_typing=True,
    remove=False,
    user_ids=("a",),
)


class Named(Payload, frozen=True):
    name: str
    again: bool = False


def payload(_: object) -> Named:
    return Named("x")


@pytest.mark.parametrize(
    ("shared", "command"),
    [
        (entries.JOIN, JoinRoom("c")),
        (entries.LEAVE, LeaveRoom("c")),
        (entries.EDIT, EditMessage("1", "x", None)),
        (entries.DELETE, DeleteMessage("1")),
        (entries.REACT, React("1", "+", None)),
        (entries.TYPING, SetTyping("c", is_typing=True)),
        (entries.START_TYPING, SetTyping("c", is_typing=True)),
        (entries.STOP_TYPING, SetTyping("c", is_typing=False)),
        (entries.READ, MarkRead("c", "1")),
        (entries.DELIVERED, MarkDelivered("c", "1")),
        (entries.PRESENCE, GetPresence(("a",))),
    ],
)
def test_a_shared_entry_makes_one_of_the_commands_that_it_names(shared: SharedInbound, command: object) -> None:
    entry = shared(Named, done)
    assert entry == Inbound(Named, shared.to_command, done, summary=shared.summary, commands=shared.commands)
    assert entry.to_command(GIVEN) == command
    assert type(command) in entry.commands


def test_a_reaction_is_removed_with_remove() -> None:
    assert entries.REACT.to_command(SimpleNamespace(**{**vars(GIVEN), "remove": True})) == Unreact("1", "+", None)


def test_a_dialect_replaces_the_command_and_the_summary_of_a_shared_entry() -> None:
    entry = entries.READ(Named, done, lambda given: MarkRead(given.name), summary="Read.")
    assert (entry.to_command(Named("n")), entry.summary) == (MarkRead("n"), "Read.")


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (PresenceChanged(Presence("bob", "online", None, None), came=True), ["on"]),
        (PresenceChanged(Presence("bob", "away", None, None)), []),
        (PresenceChanged(Presence("bob", "offline", None, 0)), ["off"]),
        (PresenceChanged(Presence("bob", "online", None, None), came=True, own=True), []),
        (PresenceChanged(Presence("bob", "offline", None, 0), own=True), []),
    ],
)
def test_only_others_who_come_or_go_are_announced(event: PresenceChanged, names: list[str]) -> None:
    (row,) = entries.presence_outbound(("on", payload), ("off", payload)).values()
    assert [each.name for each in row if each.when is None or each.when(event)] == names


def test_messages_have_the_usual_payloads_where_a_dialect_gives_a_name_alone() -> None:
    more = Outbound("more", payload)
    rows = entries.messages_outbound(("new", payload), ("edited", payload), "deleted", ("reacted", payload), (more,))
    assert {each.name for row in rows.values() for each in row} == {"new", "more", "edited", "deleted", "reacted"}
    built = {each.name: each.payload_type.__name__ for row in rows.values() for each in row}
    assert (built["deleted"], built["reacted"]) == ("DeletedMessagePayload", "Named")


def test_typing_and_uploads_have_one_event() -> None:
    (typing,) = entries.typing_outbound("typing", payload)[TypingChanged]
    (upload,) = entries.uploads_outbound("upload")[UploadProgressed]
    assert (typing.name, upload.name, upload.payload_type.__name__) == ("typing", "upload", "UploadProgressPayload")


def test_the_last_event_has_the_reason_and_whether_to_reconnect() -> None:
    reason, reconnect = "banned", False
    assert entries.goodbye("end", Named)(reason, reconnect) == ("end", Named("banned", again=False))
