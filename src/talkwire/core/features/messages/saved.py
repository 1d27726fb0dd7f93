"""Messages that users have saved for later.

Only the user sees which messages they have saved, and only as long as they may see a message: a deleted message
disappears from all lists, and so do the messages of a conversation when the user leaves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from talkwire.core.commands.command import Page
from talkwire.core.commands.messages import ListSaved, SaveMessage, UnsaveMessage
from talkwire.core.domain.access import may_act, message_for_reader, must_be_visible, require
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.events import SavedChanged
from talkwire.core.domain.model import Actor, SavedMessage, message_number
from talkwire.core.domain.pages import PAGE_MAX, within_bytes
from talkwire.core.domain.texts import check_id
from talkwire.core.features.messages.messages import must_not_be_deleted, need_message, size_of, visible_message
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.stores import SavedPlace
from talkwire.core.ports.transaction import Prefetch, Snapshot, Transaction

SAVED_MAX = 1000
"""Most messages that a user can save."""


def needs_of_saving(actor: Actor, command: SaveMessage | UnsaveMessage, needs: Prefetch) -> None:
    """Adds the message's id to `needs`, the keys of rows that the writer fetches for a whole batch of commands before
    it executes them."""
    need_message(needs, command.message_id)


def save_message(tx: Transaction, actor: Actor, command: SaveMessage) -> SavedMessage:
    """Saves a message for the actor. Saving it again changes nothing. Raises `forbidden` unless the actor is a member
    who may see the message, and `invalid_request` if it was deleted or the actor has saved `SAVED_MAX`."""
    message, part = visible_message(tx, actor.user_id, command.message_id)
    must_not_be_deleted(message)
    seen = must_be_visible(message, part.member.history)
    before = tx.saved.find(actor.user_id, message.id)
    if before is not None:
        return SavedMessage(seen, before.saved_ms, before.pos)
    if tx.saved.count(actor.user_id) >= SAVED_MAX:
        raise invalid("messageId", f"you can save at most {SAVED_MAX} messages; remove one first")
    event = SavedChanged(tx.next_pos(), tx.now_ms, actor.user_id, message.conversation_id, message.id, saved=True)
    tx.record(event)
    return SavedMessage(seen, event.at_ms, event.pos)


def unsave_message(tx: Transaction, actor: Actor, command: UnsaveMessage) -> None:
    """Removes a message from those that the actor has saved. Does nothing if the message is not saved."""
    require(may_act(tx.user(actor.user_id)))
    number = message_number(command.message_id)
    message = None if number is None or tx.saved.find(actor.user_id, number) is None else tx.message(number)
    if message is not None:
        tx.record(
            SavedChanged(tx.next_pos(), tx.now_ms, actor.user_id, message.conversation_id, message.id, saved=False)
        )


def list_saved(snapshot: Snapshot, actor: Actor, query: ListSaved) -> Page[SavedMessage]:
    """Returns a page of the messages that the actor has saved and may see now, last saved first."""
    require(may_act(snapshot.user(actor.user_id)))
    if query.conversation_id is not None:
        check_id("conversationId", query.conversation_id)
    limit = max(1, min(query.limit, PAGE_MAX))
    before = None if query.cursor is None else _pos(query.cursor)
    found = snapshot.saved.of_user(actor.user_id, query.conversation_id, before, limit + 1)
    saved = saved_at(snapshot, actor.user_id, found[:limit])
    items = within_bytes(saved, lambda each: size_of(each.message))
    has_more = len(items) < len(saved) or len(found) > limit
    return Page(tuple(items), str(items[-1].pos) if has_more and items else None)


def saved_at(snapshot: Snapshot, user_id: str, places: Sequence[SavedPlace]) -> list[SavedMessage]:
    """Returns the saved messages at these places (message id and time of saving) as the user may see them. Leaves out
    messages that the user may not see any more."""
    messages = snapshot.parts.messages_by_id([place.message_id for place in places])
    members = snapshot.memberships(user_id, {message.conversation_id for message in messages.values()})
    found = []
    for place in places:
        message = messages.get(place.message_id)
        member = None if message is None else members.get(message.conversation_id)
        seen = None if message is None or member is None else message_for_reader(message, member.history)
        if seen is not None:
            found.append(SavedMessage(seen, place.saved_ms, place.pos))
    return found


def _pos(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise invalid("cursor", "must be `next` of a page of this list")
    return int(cursor)


CHANGES: Changes = MappingProxyType(
    {
        SaveMessage: ChangeHandler(save_message, None, needs_of_saving),
        UnsaveMessage: ChangeHandler(unsave_message, None, needs_of_saving),
    }
)

QUERIES: Queries = MappingProxyType({ListSaved: list_saved})
