"""The payload of a card in a message."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from talkwire.core.domain.cards.card import (
    CardAction,
    CardField,
    CardState,
    CardWho,
    InputValue,
    MessageCard,
)
from talkwire.core.domain.times import iso, iso_or_none
from talkwire.payloads.payload import Payload


class CardPayload(Payload, frozen=True):
    """What a message asks its readers, and how far the decision is. The first members are as its author sent them.

    `digest` is the SHA-256, in hexadecimal digits, of the canonical JSON (RFC 8785) of an object with the members
    `title`, `text`, `fields`, `actions`, `decide`, `who` and `subject`, as far as the card has them. `counts` says how
    often each action is chosen; it is missing before the end if `results` is `closed`. Once the decision has ended,
    `outcome` equals `state`. Of a `decided` card, `actionId` is the decision, `decidedBy` are those who chose it, and
    `input` is what the last of them has filled in.
    """

    title: str
    actions: tuple[CardAction, ...]
    decide: Literal["first", "poll"] | dict[str, int]
    digest: str
    state: CardState
    text: str | UnsetType = UNSET
    fields: tuple[CardField, ...] | UnsetType = UNSET
    who: CardWho | UnsetType = UNSET
    max: int | UnsetType = UNSET
    results: Literal["live", "closed"] | UnsetType = UNSET
    names: Literal["shown", "hidden"] | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    subject: dict[str, object] | UnsetType = UNSET
    supersedes: str | UnsetType = UNSET
    counts: dict[str, int] | None = None
    outcome: CardState | None = None
    action_id: str | None = None
    input: dict[str, InputValue] | None = None
    decided_by: tuple[str, ...] = ()
    ended_at: str | None = None


def card_payload(card: MessageCard) -> CardPayload:
    asked = card.asked
    return CardPayload(
        title=asked.title,
        actions=asked.actions,
        decide=asked.decide,
        digest=card.digest,
        state=card.state,
        text=asked.text,
        fields=asked.fields,
        who=asked.who,
        max=asked.max,
        results=asked.results,
        names=asked.names,
        expires_at=UNSET if card.expires_ms is None else iso(card.expires_ms),
        subject=asked.subject,
        supersedes=asked.supersedes,
        counts=card.shown_counts,
        outcome=None if card.is_open else card.state,
        action_id=card.action_id,
        input=card.input,
        decided_by=card.decided_by,
        ended_at=iso_or_none(card.ended_ms),
    )
