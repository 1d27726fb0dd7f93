"""Writes notes about a conversation with teams: messages in a conversation of the same teams, which the first note
makes. It is an ordinary conversation without members in their own right, but in no list.

Features that change the conversation let its notes follow (`core/features/handling/notes.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from talkwire.core.commands.desk.notes import SendNote
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.desk.teams import TeamChange
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.events import ConversationCreated, UserCreated
from talkwire.core.domain.log.positions import own_id_at
from talkwire.core.domain.model import Actor, Conversation, Message, User
from talkwire.core.features.conversations.grounds import admit, begin
from talkwire.core.features.desk.staff import must_be_staff
from talkwire.core.features.handling.notes import find_notes, set_notes
from talkwire.core.features.messages.sending import (
    check_first,
    check_send,
    mentioned,
    need_names,
    needs_of_send,
    send_message,
)
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Prefetch, Transaction


def check_note(command: SendNote) -> None:
    """Raises ChatError for a note with invalid fields, and for one that is imported, conditional or of the system."""
    check_send(command)
    if command.created_ms is not None or command.system:
        raise invalid("conversationId", "notes cannot be imported, and are no system messages")


def needs_of_note(actor: Actor, command: SendNote, needs: Prefetch) -> None:
    """Adds what the writer fetches for a whole batch: the acting user's membership of the conversation, and what the
    note refers to."""
    needs_of_send(actor, command, needs)
    need_names(needs, command.conversation_id, command.text)


def send_note(tx: Transaction, actor: Actor, command: SendNote) -> Message:
    """Stores a note and returns it; a retry, recognised by its client message id, returns the note that was stored
    first. Raises `forbidden` for anybody but the conversation's staff, `conflict` for a conversation without teams, and
    what sending a message raises."""
    conversation, by = must_be_staff(tx, actor, command.conversation_id, command.sender_id)
    if not by:
        raise invalid("senderId", "must name the member who writes the note")
    notes = find_notes(tx, conversation)
    if notes is None:
        check_first(tx, actor, command)
        notes = make_notes(tx, conversation, by)
    _admit(tx, notes, {by, *mentioned(tx, conversation.id, command.text).user_ids})
    return send_message(tx, actor, command.message_in(notes.id))


def write_note(tx: Transaction, actor: Actor, conversation: Conversation, by: str, text: str) -> None:
    """Writes the note of a handoff into the notes of a conversation, which has some: as a message of the user `by`, or
    of the backend, if it named nobody."""
    notes = find_notes(tx, conversation)
    assert notes is not None, "they have been made"
    _admit(tx, notes, {*((by,) if by else ()), *mentioned(tx, conversation.id, text).user_ids})
    send_message(tx, actor, SendMessage(notes.id, text, sender_id=by or None, system=not by))


def desk_author(tx: Transaction, actor: Actor, by: str) -> User:
    """Returns the user `by`, who did something to a conversation, or the user who stands for the backend, who is
    created if they do not exist yet."""
    user = tx.user(by or actor.user_id)
    if user is None:
        user = User(actor.user_id, actor.name, tx.now_ms, backend=True)
        tx.record(UserCreated(tx.next_pos(), tx.now_ms, user))
    return user


def _admit(tx: Transaction, notes: Conversation, user_ids: Collection[str]) -> None:
    """Makes users members of the notes whose memberships are still to be written."""
    missing = [user_id for user_id in sorted(user_ids) if tx.member(notes.id, user_id) is None]
    if missing:
        admit(tx, notes, missing)


def make_notes(tx: Transaction, conversation: Conversation, by: str, note: str | None = None) -> Conversation:
    """Makes the conversation with the notes about a conversation, with its teams and its rules, and returns it. The
    memberships of all members of its teams follow, in batches. `by` is the id of the user who writes the first note,
    empty for the backend; `note` is the note of a handoff."""
    pos = tx.next_pos()
    notes = Conversation(
        id=own_id_at(pos),
        kind="group",
        name=None,
        owner_id=None,
        member_count=0,
        last_seq=0,
        created_ms=tx.now_ms,
        updated_ms=tx.now_ms,
        history=conversation.history,
        last_pos=pos,
        active_pos=pos,
        retention_days=conversation.retention_days,
        hold=conversation.hold,
        team_ids=conversation.team_ids,
        notes_of=conversation.id,
    )
    tx.record(ConversationCreated(pos, tx.now_ms, notes, (), by))
    begin(tx, TeamChange(pos, conversation_id=notes.id))
    set_notes(tx, conversation, notes.id, by, note)
    return notes


CHANGES: Changes = MappingProxyType({SendNote: ChangeHandler(send_note, check_note, needs_of_note)})
