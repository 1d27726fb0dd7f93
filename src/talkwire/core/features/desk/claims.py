"""Claims, releases, handoffs and closing: commands of a conversation's staff about who handles it."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from talkwire.core.commands.desk.claims import (
    ClaimConversation,
    CloseConversation,
    HandlingView,
    HandOffConversation,
    ReleaseConversation,
)
from talkwire.core.commands.desk.numbers import CountDesk, DeskNumbers
from talkwire.core.domain.access import may_act, must_be_operator
from talkwire.core.domain.desk.handling import HANDOFF_NOTE_MAX_LENGTH
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Actor, Conversation
from talkwire.core.domain.texts import check_id, check_short_text
from talkwire.core.features.agents.work import leave_note
from talkwire.core.features.conversations.members import must_be_teams, set_teams
from talkwire.core.features.desk.notes import desk_author, make_notes, write_note
from talkwire.core.features.desk.staff import must_be_staff
from talkwire.core.features.handling.handling import set_handling, set_waiting
from talkwire.core.features.handling.notes import HandlingLine, set_notes, write_line
from talkwire.core.features.notifying.listing import list_members, unlist_members
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Prefetch, Snapshot, Transaction

HandlingChange = ClaimConversation | ReleaseConversation | HandOffConversation | CloseConversation


# --- checks -----------------------------------------------------------------------------------------------------------


def check_handling(command: HandlingChange) -> None:
    """Raises `invalid_request` for invalid ids."""
    check_id("conversationId", command.conversation_id)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def check_claim(command: ClaimConversation) -> None:
    check_handling(command)
    if command.if_handler is not None:
        check_id("if", command.if_handler)


def check_hand_off(command: HandOffConversation) -> None:
    check_handling(command)
    check_id("to", command.to)
    if command.note is not None:
        check_short_text("note", command.note, HANDOFF_NOTE_MAX_LENGTH)


def needs_of_handling(actor: Actor, command: HandlingChange, needs: Prefetch) -> None:
    """Adds the acting user's membership to `needs`, the keys of rows that the writer fetches for a whole batch."""
    needs.members.add((command.conversation_id, command.sender_id or actor.user_id))


# --- commands ---------------------------------------------------------------------------------------------------------


def claim(tx: Transaction, actor: Actor, command: ClaimConversation) -> HandlingView:
    """Makes the actor the handler. Raises `conflict`, with the present handler, if that is neither the actor nor the
    user whom the command names."""
    conversation, by = must_be_staff(tx, actor, command.conversation_id, command.sender_id)
    if not by:
        raise invalid("senderId", "must name the member who becomes the handler")
    handler_id = conversation.handler_id
    if handler_id != by:
        if handler_id != command.if_handler:
            raise _handled_otherwise(handler_id)
        set_handling(tx, conversation, by, closed=False, by=by)
        list_members(tx, conversation.id, {by})
        former = None if handler_id is None else tx.user(handler_id)
        write_line(tx, conversation, desk_author(tx, actor, by), HandlingLine("claim", former=former))
    return _view(tx, conversation.id)


def _handled_otherwise(handler_id: str | None) -> ChatError:
    message = "Nobody handles this conversation." if handler_id is None else "Another user handles this conversation."
    return ChatError("conflict", message, {"handler": handler_id}, cause="state_changed")


def release(tx: Transaction, actor: Actor, command: ReleaseConversation) -> HandlingView:
    conversation, by = must_be_staff(tx, actor, command.conversation_id, command.sender_id)
    set_handling(tx, conversation, None, closed=conversation.closed, by=by)
    if command.note is not None:
        _keep_note(tx, conversation.id, command.note, by)
    if conversation.handler_id is not None:
        write_line(tx, _now(tx, conversation.id), desk_author(tx, actor, by), HandlingLine("release"))
    if command.note is not None:
        write_note(tx, actor, _now(tx, conversation.id), by, command.note)
        leave_note(tx, conversation.id, tx.turns.agents_in(conversation.id), command.note, by)
    return _view(tx, conversation.id)


def check_release(command: ReleaseConversation) -> None:
    check_handling(command)
    if command.note is not None:
        check_short_text("note", command.note, HANDOFF_NOTE_MAX_LENGTH)


def hand_off(tx: Transaction, actor: Actor, command: HandOffConversation) -> HandlingView:
    """Makes a member of the conversation's teams or an agent the handler, or adds a team and makes nobody the handler.
    Raises `invalid_request` for an id of none of these."""
    conversation, by = must_be_staff(tx, actor, command.conversation_id, command.sender_id)
    before = conversation
    handler_id = _next_handler(tx, conversation, command.to)
    pending_pos = None
    if handler_id is None:
        team_ids = must_be_teams(tx, conversation.team_ids, (command.to,))
        pending_pos = set_teams(tx, actor, conversation, (*conversation.team_ids, *team_ids))
        conversation = tx.conversation(conversation.id) or conversation
    set_handling(tx, conversation, handler_id, closed=False, by=by)
    if handler_id is not None:
        list_members(tx, conversation.id, {handler_id})
    _write_hand_off(tx, actor, before, command, by)
    if command.note is not None and handler_id is not None:
        leave_note(tx, conversation.id, {handler_id} & {*tx.turns.agents_in(conversation.id)}, command.note, by)
    return _view(tx, conversation.id, pending_pos)


def _next_handler(tx: Transaction, conversation: Conversation, to: str) -> str | None:
    """Returns the user whom `to` names, None if it names a team. Raises `invalid_request` if it names neither, or a
    user who cannot handle the conversation."""
    member, user = tx.member(conversation.id, to), tx.user(to)
    if member is not None and (member.via or (user is not None and user.kind == "agent")):
        if may_act(user) is not None:
            raise invalid("to", "this user is banned")
        return to
    if tx.teams.find(to) is None:
        raise invalid("to", "must be a member of the conversation's teams, an agent that is a member, or a team")
    return None


def _write_hand_off(tx: Transaction, actor: Actor, before: Conversation, command: HandOffConversation, by: str) -> None:
    """Writes a line into the notes, and the handoff's note, with which the notes are made. `before` is the conversation
    as it was before the handoff, of which a repeat changes nothing."""
    note = command.note
    if note is not None:
        _keep_note(tx, before.id, note, by)
    now = _now(tx, before.id)
    if (now.handler_id, now.closed, now.team_ids) != (before.handler_id, before.closed, before.team_ids):
        write_line(tx, now, desk_author(tx, actor, by), _line_of_hand_off(tx, now, command.to))
    if note is not None:
        write_note(tx, actor, now, by, note)


def _keep_note(tx: Transaction, conversation_id: str, note: str, by: str) -> None:
    """Shows the teams of a conversation what the user `by` wrote for the next handler, and makes its notes if there are
    none."""
    now = _now(tx, conversation_id)
    if now.notes_id is None:
        make_notes(tx, now, by, note)
    else:
        set_notes(tx, now, now.notes_id, by, note)


def _line_of_hand_off(tx: Transaction, now: Conversation, to: str) -> HandlingLine:
    if now.handler_id is not None:
        return HandlingLine("handoff", handler=tx.user(now.handler_id))
    return HandlingLine("handoff", team=(to, tx.teams.names((to,)).get(to, to)))


def close(tx: Transaction, actor: Actor, command: CloseConversation) -> HandlingView:
    conversation, by = must_be_staff(tx, actor, command.conversation_id, command.sender_id)
    set_handling(tx, conversation, None, closed=True, by=by)
    set_waiting(tx, conversation, None, by)
    unlist_members(tx, conversation)
    if not conversation.closed:
        write_line(tx, conversation, desk_author(tx, actor, by), HandlingLine("close"))
    return _view(tx, conversation.id)


def _view(tx: Transaction, conversation_id: str, pending_pos: int | None = None) -> HandlingView:
    now = _now(tx, conversation_id)
    return HandlingView(conversation_id, now.handler_id, now.closed, pending_pos)


def _now(tx: Transaction, conversation_id: str) -> Conversation:
    """Returns the conversation of a command as it is after what the command has recorded so far."""
    now = tx.conversation(conversation_id)
    assert now is not None, "it was found before"
    return now


# --- numbers ----------------------------------------------------------------------------------------------------------


def count_desk(snapshot: Snapshot, actor: Actor, query: CountDesk) -> Sequence[DeskNumbers]:
    """Returns the numbers of teams. Only for operators, since others may not see teams."""
    must_be_operator(actor)
    return snapshot.teams.numbers(query.team_ids)


CHANGES: Changes = MappingProxyType(
    {
        ClaimConversation: ChangeHandler(claim, check_claim, needs_of_handling),
        ReleaseConversation: ChangeHandler(release, check_release, needs_of_handling),
        HandOffConversation: ChangeHandler(hand_off, check_hand_off, needs_of_handling, settles=True),
        CloseConversation: ChangeHandler(close, check_handling, needs_of_handling),
    }
)

QUERIES: Queries = MappingProxyType({CountDesk: count_desk})
