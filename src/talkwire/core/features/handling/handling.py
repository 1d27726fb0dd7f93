"""Who handles a conversation with teams, whether it is open, and since when a customer waits in it. Other features call
these functions in the transactions in which they change messages and memberships.

A *customer* is a person who is a member in their own right and through no team; an answer is a message of a member
through a team, or of an agent. What counts is who the sender was when they wrote.
"""

from __future__ import annotations

from collections.abc import Sequence

from talkwire.core.domain.events import ConversationHandled, DeskConversationChanged
from talkwire.core.domain.model import Conversation, Member, Message, User
from talkwire.core.features.agents.turns import given_back, is_handled_by_person, taken_over
from talkwire.core.features.agents.work import add_work
from talkwire.core.features.handling.notes import HandlingLine, write_line
from talkwire.core.ports.transaction import Transaction

MESSAGES_READ = (50, 1000)
"""Numbers of the newest messages that are read to find the oldest one that waits: more only if the fewer are not
enough."""


def set_handling(tx: Transaction, conversation: Conversation, handler_id: str | None, *, closed: bool, by: str) -> None:
    """Records who handles a conversation and whether it is closed, if that is new. `by` is the id of the user who did
    it, empty for the application's backend."""
    if (handler_id, closed) != (conversation.handler_id, conversation.closed):
        handled = conversation.id, handler_id, closed, conversation.handler_id, conversation.team_ids, by
        tx.record(ConversationHandled(tx.next_pos(), tx.now_ms, *handled))
        if conversation.has_agents and handler_id != conversation.handler_id:
            _handler_changed(tx, conversation, by)


def _handler_changed(tx: Transaction, before: Conversation, by: str) -> None:
    """Stops the agent that works in a conversation which a person handles now. Where a person does so no more, what
    came meanwhile is no work for agents, except what a customer still waits for."""
    now = tx.conversation(before.id)
    assert now is not None, "its handler has just changed"
    if is_handled_by_person(tx, now):
        taken_over(tx, now, by)
    elif is_handled_by_person(tx, before):
        given_back(tx, now.id, before.handler_id)
        if now.waiting_since_ms is not None and not now.closed:
            for message in _waiting_messages(tx, now, now.waiting_since_ms):
                add_work(tx, now, message, may_be_known=True)


def set_waiting(tx: Transaction, conversation: Conversation, since_ms: int | None, by: str = "") -> None:
    """Records since when a customer waits in a conversation, None for nobody, if that is new."""
    if since_ms != conversation.waiting_since_ms:
        shown = conversation.id, since_ms, conversation.notes_id, conversation.team_ids, by
        tx.record(DeskConversationChanged(tx.next_pos(), tx.now_ms, *shown))


# --- messages ---------------------------------------------------------------------------------------------------------


def message_sent(tx: Transaction, conversation: Conversation, sender: User, message: Message) -> None:
    """Takes a new message of a conversation with teams into account: a customer's opens the conversation and begins to
    wait, an answer ends the waiting. System messages and imported ones do neither."""
    if message.system or message.imported:
        return
    member = tx.member(conversation.id, sender.id)
    if _answers(sender, member):
        set_waiting(tx, conversation, None, sender.id)
    elif member is not None:
        set_handling(tx, conversation, conversation.handler_id, closed=False, by=sender.id)
        if conversation.closed:
            write_line(tx, conversation, sender, HandlingLine("reopen"))
        if conversation.waiting_since_ms is None:
            set_waiting(tx, conversation, message.created_ms, sender.id)


def message_deleted(tx: Transaction, deleted: Message) -> None:
    """Finds the next message that waits, if the one that waited was deleted."""
    conversation = tx.conversation(deleted.conversation_id)
    if conversation is not None and conversation.waiting_since_ms == deleted.created_ms:
        set_waiting(tx, conversation, _oldest_waiting_ms(tx, conversation, deleted.created_ms))


def _answers(sender: User | None, member: Member | None) -> bool:
    """Returns whether a message of this sender, with this membership, is an answer to the customers."""
    return (sender is not None and sender.kind == "agent") or (member is not None and bool(member.via))


def _oldest_waiting_ms(tx: Transaction, conversation: Conversation, since_ms: int) -> int | None:
    """Returns when the oldest message that waits was sent, at the time `since_ms` or later; None if none waits. There
    is no answer after `since_ms`, since a customer has waited from then on."""
    return _first_of_customers(tx, conversation, _newest_since(tx, conversation, since_ms), since_ms)


def _newest_since(tx: Transaction, conversation: Conversation, since_ms: int) -> Sequence[Message]:
    """Returns the messages that were sent at the time `since_ms` or later and that count, of the newest ones."""
    candidates: list[Message] = []
    for limit in MESSAGES_READ:
        newest = tx.newest_messages(conversation.id, after_seq=0, history_seq=0, limit=limit)
        candidates = [message for message in newest if message.created_ms >= since_ms]
        if len(candidates) < limit:
            break
    return [each for each in candidates if each.deleted_ms is None and not (each.system or each.imported)]


def _waiting_messages(tx: Transaction, conversation: Conversation, since_ms: int) -> Sequence[Message]:
    """Returns the messages of customers from the one on that waits since `since_ms`."""
    found = _newest_since(tx, conversation, since_ms)
    sender_ids = {message.sender_id for message in found}
    members, users = tx.members(conversation.id, sender_ids), tx.users(sender_ids)
    of_customers = [
        each
        for each in found
        if each.sender_id in members and not _answers(users.get(each.sender_id), members[each.sender_id])
    ]
    return [message for message in of_customers if not message.is_unfinished]


def _first_of_customers(
    tx: Transaction, conversation: Conversation, messages: Sequence[Message], since_ms: int
) -> int | None:
    """Returns when the first of those messages was sent that come from customers. An answer at the time
    `since_ms` may be before the message that waited; later ones were no answers when they were sent."""
    sender_ids = {message.sender_id for message in messages}
    members, users = tx.members(conversation.id, sender_ids), tx.users(sender_ids)
    found = None
    for message in messages:
        member = members.get(message.sender_id)
        if _answers(users.get(message.sender_id), member):
            found = None if message.created_ms == since_ms else found
        elif found is None and member is not None:
            found = message.created_ms
    return found


# --- memberships ------------------------------------------------------------------------------------------------------


def handler_left(tx: Transaction, conversation_id: str, user_id: str, by: str) -> None:
    """Makes nobody the handler of a conversation if the handler was this user, who is no longer a member through a
    team, or as an agent no member."""
    conversation = tx.conversation(conversation_id)
    if conversation is not None and conversation.handler_id == user_id:
        set_handling(tx, conversation, None, closed=conversation.closed, by=by)


def teams_changed(tx: Transaction, conversation_id: str, former_ids: tuple[str, ...], by: str) -> None:
    """Shows the teams which teams a conversation has now, instead of `former_ids`. Without a team, it has no handler,
    is open, and nobody waits. Does nothing for notes, which have none of this."""
    conversation = tx.conversation(conversation_id)
    assert conversation is not None, "its teams have just changed"
    if conversation.notes_of is not None:
        return
    since_ms = conversation.waiting_since_ms
    if not conversation.team_ids:
        set_handling(tx, conversation, None, closed=False, by=by)
        since_ms = None
    shown = conversation_id, since_ms, conversation.notes_id, conversation.team_ids, by
    tx.record(DeskConversationChanged(tx.next_pos(), tx.now_ms, *shown, former_team_ids=former_ids))
