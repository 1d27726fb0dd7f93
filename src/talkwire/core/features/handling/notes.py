"""Notes of a conversation with teams: the conversation in which the teams' members write about it. Other features call
these functions when they change the conversation; `core/features/desk/notes.py` writes notes.

Claims, handoffs and the like are lines in the notes, once there are notes: system messages with what happened in their
metadata, as the object `desk`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from talkwire.core.domain.events import (
    ConversationDeleted,
    ConversationUpdated,
    DeskConversationChanged,
    HoldChanged,
    MessageSent,
)
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import Conversation, Message, User
from talkwire.core.ports.transaction import Lookups, Transaction

LineAction = Literal["claim", "release", "handoff", "close", "reopen"]

_SHARED = ("history", "retention_days")
"""Names of the rules that the notes of a conversation have from it, beside the hold."""


class HandlingLine(NamedTuple):
    """What a user did to a conversation. `handler` is the user who handles it now, if that is another one; `former` the
    user from whom it was taken; `team` the id and the name of the team to which it was handed over."""

    action: LineAction
    handler: User | None = None
    former: User | None = None
    team: tuple[str, str] | None = None


_TEXTS: Mapping[LineAction, str] = MappingProxyType(
    {
        "claim": "{by} claimed the conversation.",
        "release": "{by} released the conversation.",
        "handoff": "{by} handed the conversation over to {to}.",
        "close": "{by} closed the conversation.",
        "reopen": "{by} wrote again, so the conversation is open.",
    }
)
_TAKEN_OVER = "{by} took the conversation over from {former}."


def find_notes(tx: Lookups, conversation: Conversation) -> Conversation | None:
    """Returns the conversation with the notes about a conversation, None if there are none."""
    return None if conversation.notes_id is None else tx.conversation(conversation.notes_id)


def write_line(tx: Transaction, conversation: Conversation, by: User, line: HandlingLine) -> None:
    """Records what the user `by` did to a conversation as a system message in its notes, if it has notes."""
    notes = find_notes(tx, conversation)
    if notes is None:
        return
    pos = tx.next_pos()
    message = Message(
        id=id_at(pos),
        conversation_id=notes.id,
        seq=notes.last_seq + 1,
        sender_id=by.id,
        sender_name=by.name,
        sender_avatar=by.avatar,
        content=_text_of(by, line),
        created_ms=tx.now_ms,
        metadata={"desk": _data_of(line)},
        system=True,
        notes_of=notes.notes_of,
    )
    tx.record(MessageSent(pos, tx.now_ms, message))


def _text_of(by: User, line: HandlingLine) -> str:
    text = _TEXTS[line.action] if line.former is None else _TAKEN_OVER
    to = line.team[1] if line.team is not None else "" if line.handler is None else line.handler.name
    return text.format(by=by.name, to=to, former="" if line.former is None else line.former.name)


def _data_of(line: HandlingLine) -> dict[str, object]:
    """Returns what programs read: the action, and the ids of those concerned."""
    ids = {
        "handler": None if line.handler is None else line.handler.id,
        "from": None if line.former is None else line.former.id,
        "teamId": None if line.team is None else line.team[0],
    }
    return {"action": line.action, **{name: id_ for name, id_ in ids.items() if id_ is not None}}


def set_notes(
    tx: Transaction, conversation: Conversation, notes_id: str | None, by: str, note: str | None = None
) -> None:
    """Records which conversation has the notes about a conversation, None for none any more. `note` is what the user
    `by` wrote for the next handler."""
    shown = conversation.id, conversation.waiting_since_ms, notes_id, conversation.team_ids, by, note
    tx.record(DeskConversationChanged(tx.next_pos(), tx.now_ms, *shown))


def rules_changed(tx: Transaction, conversation: Conversation, given: Mapping[str, Any], by: str) -> None:
    """Gives the notes of a conversation the hold and the rules among the fields `given`, which the conversation gets
    too. `by` is the id of the actor."""
    notes = find_notes(tx, conversation)
    if notes is None:
        return
    if given.get("hold", notes.hold) != notes.hold:
        tx.record(HoldChanged(tx.next_pos(), tx.now_ms, given["hold"], notes.id, by=by))
        notes = replace(notes, hold=given["hold"])
    changed = tuple(name for name in _SHARED if name in given and given[name] != getattr(notes, name))
    if changed:
        values = {name: given[name] for name in changed}
        now = replace(notes, **values, updated_ms=tx.now_ms, last_pos=tx.next_pos())
        tx.record(ConversationUpdated(tx.next_pos(), tx.now_ms, now, changed=changed))


def record_deletion_of(tx: Transaction, conversation: Conversation, by: str) -> None:
    """Records that a conversation is deleted, and its notes with it. `by` is the id of the actor. If only notes are
    deleted, the conversation that they are about has none any more."""
    notes = find_notes(tx, conversation)
    for each in (conversation, notes):
        if each is not None:
            tx.record(ConversationDeleted(tx.next_pos(), tx.now_ms, each.id, by, each.team_ids))
    about = None if conversation.notes_of is None else tx.conversation(conversation.notes_of)
    if about is not None:
        set_notes(tx, about, None, "")
