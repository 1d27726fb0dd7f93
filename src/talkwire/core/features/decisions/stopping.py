"""Closes polls and cancels cards."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.cards.deciding import CancelCard, CloseCard, SeenCard
from talkwire.core.domain.access import is_owner_or_admin, may_act, require
from talkwire.core.domain.cards.card import CardState
from talkwire.core.domain.cards.deciding import card_at
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.model import Actor, Message
from talkwire.core.features.cards.ends import card_of, end_card, has_ended, seen_card
from talkwire.core.features.messages.messages import existing_message, need_message, visible_message
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Prefetch, Transaction


def needs_of_end(actor: Actor, command: CloseCard | CancelCard, needs: Prefetch) -> None:
    need_message(needs, command.message_id)


def close_card(tx: Transaction, actor: Actor, command: CloseCard) -> SeenCard:
    """Closes a poll, and returns it. Raises `forbidden` for an actor who may not, `invalid_request` for a card that is
    no poll, and `conflict` if it has ended in another way."""
    message = existing_message(tx, command.message_id)
    card = card_of(message)
    _must_moderate(tx, actor, message)
    if not card.asked.is_poll:
        raise invalid("messageId", "only a poll can be closed: cancel this card instead")
    return _ended(tx, actor, message, "closed")


def cancel_card(tx: Transaction, actor: Actor, command: CancelCard) -> SeenCard:
    """Cancels a card, and returns it. Raises `forbidden` for an actor who may not, and `conflict` if it has ended in
    another way."""
    message = existing_message(tx, command.message_id)
    card_of(message)
    _must_be_responsible(tx, actor, message)
    return _ended(tx, actor, message, "cancelled")


def _ended(tx: Transaction, actor: Actor, message: Message, state: CardState) -> SeenCard:
    card = card_at(card_of(message), tx.now_ms)
    if card.is_open:
        message = end_card(tx, message, card, state)
    elif card.state != state:
        raise has_ended(card)
    return seen_card(tx, message, tx.cards.choice(message.id, actor.user_id))


def _must_moderate(tx: Transaction, actor: Actor, message: Message) -> None:
    """Raises `forbidden` unless the actor is the message's author, the conversation's owner or an admin of it, an
    operator or the backend."""
    if actor.is_service:
        return
    if actor.role == "admin":
        require(may_act(tx.user(actor.user_id)))
        return
    _, part = visible_message(tx, actor.user_id, str(message.id))
    moderates = part.conversation.kind != "direct" and is_owner_or_admin(part.member)
    if not (moderates or actor.user_id == message.sender_id):
        raise forbidden("not_author")


def _must_be_responsible(tx: Transaction, actor: Actor, message: Message) -> None:
    """Raises `forbidden` unless the actor is the message's author, the owner of the agent that wrote it, or the
    backend."""
    if actor.is_service:
        return
    visible_message(tx, actor.user_id, str(message.id))
    author = tx.user(message.sender_id)
    if actor.user_id not in {message.sender_id, None if author is None else author.owner_id}:
        raise forbidden("not_author")


CHANGES: Changes = MappingProxyType(
    {
        CloseCard: ChangeHandler(close_card, None, needs_of_end),
        CancelCard: ChangeHandler(cancel_card, None, needs_of_end),
    }
)
