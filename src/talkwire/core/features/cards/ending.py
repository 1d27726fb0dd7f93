"""Ends the decisions about cards."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.cards.deciding import CARD, CHOICES_SHOWN_MAX, CancelCard, CloseCard, SeenCard
from talkwire.core.domain.access import is_owner_or_admin, may_act, require
from talkwire.core.domain.cards.card import CardChoice, CardState, MessageCard
from talkwire.core.domain.cards.card_text import text_of
from talkwire.core.domain.cards.deciding import card_at
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import CardDecided
from talkwire.core.domain.model import Actor, Message
from talkwire.core.features.messages.messages import (
    existing_message,
    must_not_be_deleted,
    need_message,
    visible_message,
)
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Lookups, Prefetch, Transaction


def card_of(message: Message) -> MessageCard:
    """Returns the card of a message. Raises `invalid_request` for a deleted message, and for one without a card."""
    must_not_be_deleted(message)
    if message.card is None:
        raise invalid("messageId", "this message has no card")
    return message.card


def must_be_open(tx: Transaction, message: Message) -> MessageCard:
    """Returns the card of a message. Raises `conflict` with its outcome if its decision has ended."""
    card = card_at(card_of(message), tx.now_ms)
    if not card.is_open:
        raise has_ended(card)
    return card


def seen_card(facts: Lookups, message: Message, mine: CardChoice | None) -> SeenCard:
    """Returns a message with its card as a reader sees it who has chosen `mine`."""
    card = card_of(message)
    is_shown = not card.asked.hides_names and card.shown_counts is not None
    return SeenCard(message, mine, tuple(facts.cards.choices(message.id, CHOICES_SHOWN_MAX)) if is_shown else ())


def has_ended(card: MessageCard) -> ChatError:
    """Returns the refusal of a command about a card whose decision has ended, with the outcome as details."""
    details: dict[str, object] = {"state": card.state, "outcome": card.state}
    if card.action_id is not None:
        details["actionId"] = card.action_id
    return ChatError(
        "conflict", f"The decision about this card has ended: {card.state}.", details, cause="state_changed"
    )


def end_card(tx: Transaction, message: Message, card: MessageCard, state: CardState) -> Message:
    """Records that the decision about a message's open card has ended without a choice, and returns the message."""
    return record_end(tx, message, replace(card, state=state, ended_ms=tx.now_ms))


def record_end(tx: Transaction, message: Message, card: MessageCard) -> Message:
    """Records that the decision about a message's card has ended as `card` says, and returns the message."""
    ended = replace(message, card=card, content=text_of(card))
    tx.record(CardDecided(tx.next_pos(), tx.now_ms, ended))
    tx.timers.set(CARD, str(message.id), None)
    return ended


def expire_card(tx: Transaction, key: str) -> int | None:
    """Ends an open card whose time is over. Returns when its time is over if that is later, in milliseconds since 1970,
    else None."""
    message = tx.message(int(key))
    card = None if message is None or message.deleted_ms is not None else message.card
    if message is None or card is None or not card.is_open or card.expires_ms is None:
        return None
    if card.expires_ms > tx.now_ms:
        return card.expires_ms
    end_card(tx, message, card, "expired")
    return None


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
