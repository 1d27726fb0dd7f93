"""What is stored when the decision about a card ends."""

from __future__ import annotations

from msgspec.structs import replace

from talkwire.core.commands.cards.deciding import CARD_TIMER, CHOICES_SHOWN_MAX, SeenCard
from talkwire.core.domain.cards.card import CardChoice, CardState, MessageCard
from talkwire.core.domain.cards.card_text import text_of
from talkwire.core.domain.cards.deciding import card_at
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import CardDecided, CardReminded
from talkwire.core.domain.model import Message
from talkwire.core.features.agents.turns import card_ended
from talkwire.core.features.notifying.notifications import read_decisions
from talkwire.core.ports.transaction import Lookups, Transaction


def card_of(message: Message) -> MessageCard:
    """Returns the card of a message. Raises `invalid_request` for a deleted message, and for one without a card."""
    if message.deleted_ms is not None:
        raise invalid("messageId", "this message was deleted")
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
    pos = tx.next_pos()
    ended = replace(message, card=replace(card, ended_pos=pos), content=text_of(card))
    tx.record(CardDecided(pos, tx.now_ms, ended))
    tx.timers.set(CARD_TIMER, str(message.id), None)
    read_decisions(tx, ended, card.notified_ids)
    if ended.cause is not None:
        card_ended(tx, ended)
    return ended


def reminder_ms(message: Message, card: MessageCard) -> int | None:
    """Returns when the users who have not chosen yet are reminded: after three quarters of the card's time, in
    milliseconds since 1970. None for a card of which nobody is notified, or that does not end by itself."""
    if card.expires_ms is None or not card.notified_ids:
        return None
    return message.created_ms + (card.expires_ms - message.created_ms) * 3 // 4


def look_at_card(tx: Transaction, key: str) -> int | None:
    """Ends an open card whose time is over, or reminds users of it. Returns when to look again, in milliseconds since
    1970, or None."""
    message = tx.message(int(key))
    card = None if message is None or message.deleted_ms is not None else message.card
    if message is None or card is None or not card.is_open or card.expires_ms is None:
        return None
    if card.expires_ms <= tx.now_ms:
        end_card(tx, message, card, "expired")
        return None
    at_ms = reminder_ms(message, card)
    if at_ms is not None and at_ms > tx.now_ms:
        return at_ms
    _remind(tx, message, card)
    return card.expires_ms


def _remind(tx: Transaction, message: Message, card: MessageCard) -> None:
    have_chosen = {choice.user_id for choice in tx.cards.choices(message.id)}
    left = tuple(user_id for user_id in card.notified_ids if user_id not in have_chosen)
    if left:
        tx.record(CardReminded(tx.next_pos(), tx.now_ms, message, left))
