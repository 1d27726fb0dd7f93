"""Reads cards: one with the reader's choice, those that wait for the reader, and what a receipt states."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.cards.deciding import (
    OPEN_CARDS_MAX,
    CardReceipt,
    GetCard,
    GetReceipt,
    ListWaitingCards,
    SeenCard,
    WaitingCards,
)
from talkwire.core.domain.access import history_for, is_muted, may_act, message_for_reader, must_be_visible, require
from talkwire.core.domain.cards.deciding import card_at, is_asked
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, Message, User, message_number
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.features.cards.ends import card_of, seen_card
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot


def get_card(snapshot: Snapshot, actor: Actor, query: GetCard) -> SeenCard:
    """Returns a message with its card, and what the actor has chosen of it. Raises `forbidden` if the actor may not see
    the message, and `invalid_request` for one without a card."""
    message = _visible(snapshot, actor, query.message_id)
    return seen_card(snapshot, message, snapshot.cards.choice(message.id, actor.user_id))


def _visible(snapshot: Snapshot, actor: Actor, message_id: str) -> Message:
    """Returns a message with a card. Raises `forbidden` if the actor may not see the message, and `invalid_request` for
    one without a card."""
    number = message_number(message_id)
    message = None if number is None else snapshot.message(number)
    if message is None:
        raise forbidden("not_found")
    must_be_visible(message, history_for(snapshot, actor, message.conversation_id))
    card_of(message)
    return message


def list_waiting(snapshot: Snapshot, actor: Actor, query: ListWaitingCards) -> WaitingCards:
    """Returns the open cards, except polls, of which the actor may choose an action now and has not."""
    user = snapshot.user(actor.user_id)
    require(may_act(user))
    found = () if user is None else snapshot.cards.open_for(user.id, OPEN_CARDS_MAX)
    waiting = [each for each in found if user is not None and _waits_for(snapshot, user, each)]
    return WaitingCards(tuple(waiting[: max(1, min(query.limit, PAGE_MAX))]), len(waiting))


def _waits_for(snapshot: Snapshot, user: User, message: Message) -> bool:
    card, member = message.card, snapshot.member(message.conversation_id, user.id)
    if card is None or member is None or is_muted(member, snapshot.now_ms):
        return False
    is_seen = message_for_reader(message, member.history) is not None
    is_open = card_at(card, snapshot.now_ms).is_open
    return is_seen and is_open and is_asked(card.asked, message.sender_id, user, member)


def get_receipt(snapshot: Snapshot, actor: Actor, query: GetReceipt) -> CardReceipt:
    """Returns a card whose decision has ended, with the choices that decided it, in the order of `decided_by`."""
    message = _visible(snapshot, actor, query.message_id)
    card = card_of(message)
    if card.is_open:
        text = "The decision about this card has not ended."
        raise ChatError("conflict", text, {"state": card.state}, cause="state_changed")
    chosen = {each.user_id: each for each in snapshot.cards.choices(message.id)} if card.decided_by else {}
    return CardReceipt(message, tuple(chosen[user_id] for user_id in card.decided_by if user_id in chosen))


QUERIES: Queries = MappingProxyType({GetCard: get_card, ListWaitingCards: list_waiting, GetReceipt: get_receipt})
