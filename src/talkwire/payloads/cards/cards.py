"""Payloads of choices and decisions."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from talkwire.core.commands.cards.deciding import CardReceipt, SeenCard, WaitingCards
from talkwire.core.domain.cards.card import CardChoice, CardState, InputValue
from talkwire.core.domain.events import CardActed, CardDecided, CardReminded, CardUpdated
from talkwire.core.domain.times import iso
from talkwire.payloads.cards.card import CardPayload, card_payload
from talkwire.payloads.payload import Payload


class ChoicePayload(Payload, frozen=True):
    """What the caller has chosen of a card, when, and with which input and comment."""

    action_ids: tuple[str, ...]
    at: str
    input: dict[str, InputValue] | None = None
    comment: str | None = None


class UserChoicePayload(ChoicePayload, frozen=True, kw_only=True):
    """What a user has chosen of a card."""

    user_id: str


class SeenCardPayload(CardPayload, frozen=True, kw_only=True):
    """The card of a message as the caller sees it. `mine` is what the caller has chosen, and `choices` what all
    have, the first 100, if neither their names nor the results are hidden. Both are missing if that is nothing."""

    message_id: str
    conversation_id: str
    mine: ChoicePayload | None = None
    choices: tuple[UserChoicePayload, ...] = ()


class CardActedPayload(Payload, frozen=True):
    """The actions of a card that the user `userId` has chosen; none if the choice was taken back."""

    message_id: str
    conversation_id: str
    user_id: str
    action_ids: tuple[str, ...]


class CardUpdatedPayload(Payload, frozen=True):
    """How often each action of an open card is chosen."""

    message_id: str
    conversation_id: str
    counts: dict[str, int]


class CardRemindedPayload(Payload, frozen=True):
    """The users in `userIds` have not chosen an action of the card yet, and were notified a second time."""

    message_id: str
    conversation_id: str
    user_ids: tuple[str, ...]


class CardDecidedPayload(Payload, frozen=True):
    """How the decision about the card of a message has ended: the members of the card that have changed, and the text
    that the message has now. Only the ids are left once the message is deleted."""

    message_id: str
    conversation_id: str
    content: str | UnsetType = UNSET
    digest: str | UnsetType = UNSET
    state: CardState | UnsetType = UNSET
    outcome: CardState | UnsetType = UNSET
    counts: dict[str, int] | UnsetType = UNSET
    ended_at: str | UnsetType = UNSET
    action_id: str | None = None
    input: dict[str, InputValue] | None = None
    decided_by: tuple[str, ...] = ()


def seen_card_payload(seen: SeenCard) -> SeenCardPayload:
    message, mine = seen.message, seen.mine
    assert message.card is not None, "the feature has checked it"
    shown = {name: getattr(card_payload(message.card), name) for name in CardPayload.__struct_fields__}
    return SeenCardPayload(
        **shown,
        message_id=str(message.id),
        conversation_id=message.conversation_id,
        mine=None if mine is None else ChoicePayload(mine.action_ids, iso(mine.at_ms), mine.input, mine.comment),
        choices=tuple(map(_choice_payload, seen.choices)),
    )


def _choice_payload(choice: CardChoice) -> UserChoicePayload:
    return UserChoicePayload(
        action_ids=choice.action_ids,
        at=iso(choice.at_ms),
        input=choice.input,
        comment=choice.comment,
        user_id=choice.user_id,
    )


class WaitingCardsPayload(Payload, frozen=True, omit_defaults=False):
    """Open cards that wait for the caller's choice, the newest first, and how many there are (`count`, at most
    1000)."""

    items: tuple[SeenCardPayload, ...]
    count: int


class SignedReceiptPayload(Payload, frozen=True):
    """A signed receipt: a compact JWS with the algorithm ES256. The public keys are at
    `/.well-known/talkwire-receipts.json`."""

    receipt: str


def waiting_cards_payload(waiting: WaitingCards) -> WaitingCardsPayload:
    items = tuple(seen_card_payload(SeenCard(message, None)) for message in waiting.messages)
    return WaitingCardsPayload(items, waiting.count)


def receipt_payload(jws: str) -> SignedReceiptPayload:
    return SignedReceiptPayload(jws)


def receipt_claims(receipt: CardReceipt, issuer: str) -> dict[str, object]:
    """Returns the claims of a receipt. `issuer` is the public address of the server."""
    message, card = receipt.message, receipt.message.card
    assert card is not None, "the feature has checked it"
    claims = {
        "iss": issuer,
        "sub": str(message.id),
        "iat": (card.ended_ms or 0) // 1000,
        "digest": card.digest,
        "outcome": card.state,
        "actionId": card.action_id,
        "input": card.input,
        "by": [{"userId": each.user_id, "at": iso(each.at_ms)} for each in receipt.by],
        "pos": card.ended_pos,
    }
    return {name: value for name, value in claims.items() if value is not None}


def card_acted_payload(event: CardActed) -> CardActedPayload:
    message = event.message
    return CardActedPayload(str(message.id), message.conversation_id, event.user_id, event.action_ids)


def card_updated_payload(event: CardUpdated) -> CardUpdatedPayload:
    return CardUpdatedPayload(str(event.message_id), event.conversation_id, event.counts)


def card_reminded_payload(event: CardReminded) -> CardRemindedPayload:
    message = event.message
    return CardRemindedPayload(str(message.id), message.conversation_id, event.user_ids)


def card_decided_payload(event: CardDecided) -> CardDecidedPayload:
    message, card = event.message, event.message.card
    if card is None:
        return CardDecidedPayload(str(message.id), message.conversation_id)
    return CardDecidedPayload(
        message_id=str(message.id),
        conversation_id=message.conversation_id,
        content=message.content,
        digest=card.digest,
        state=card.state,
        outcome=card.state,
        counts=card.shown_counts or {},
        ended_at=iso(card.ended_ms or event.at_ms),
        action_id=card.action_id,
        input=card.input,
        decided_by=card.decided_by,
    )
