"""Payloads of offers: prices that one member of a conversation proposes to the others."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from talkwire.core.commands.offers import CounterOffer, CreateOffer, OfferDecision
from talkwire.core.domain.model import Offer, OfferStatus
from talkwire.core.domain.times import ms_of
from talkwire.core.features.messages.offers import AMOUNT_MAX, DESCRIPTION_MAX_LENGTH, TITLE_MAX_LENGTH
from talkwire.payloads.payload import Payload, iso

Amount = Annotated[
    int, msgspec.Meta(ge=0, le=AMOUNT_MAX, description="The amount in the currency's smallest unit, such as cents")
]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", description="The currency's ISO 4217 code, such as EUR")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_MAX_LENGTH)]
Description = Annotated[str, msgspec.Meta(max_length=DESCRIPTION_MAX_LENGTH)]
Time = Annotated[str, msgspec.Meta(description="A future time in ISO 8601")]


class NewOfferPayload(Payload, frozen=True):
    """An offer (a price for something) to make in a conversation. Only callers with the role `service` set `senderId`,
    to the user who makes the offer."""

    title: Title
    amount: Amount
    currency: Currency
    description: Description | None = None
    expires_at: Time | None = None
    metadata: dict[str, Any] | None = None
    sender_id: str | None = None


class TolerantNewOfferPayload(NewOfferPayload, frozen=True, forbid_unknown_fields=False):
    """The same for dialects whose payloads may have unknown members."""


class CounterOfferPayload(Payload, frozen=True):
    """A new offer to make in place of another member's offer. `title`, `currency` and `description` default to those of
    the replaced offer. Only callers with the role `service` set `senderId`, to the user who makes the new offer."""

    amount: Amount
    currency: Currency | None = None
    title: Title | None = None
    description: Description | None = None
    expires_at: Time | None = None
    metadata: dict[str, Any] | None = None
    sender_id: str | None = None


class OfferStep(Payload, frozen=True, omit_defaults=False):
    """An entry in the history of an offer's status: the status that the offer got at the time `at`. `by` is the user
    who changed it, null if the offer expired."""

    status: OfferStatus
    at: str
    by: str | None


class OfferPayload(Payload, frozen=True):
    """An offer: a price that a member proposes to the others, with its status. `counterOf` is the id of the offer that
    this offer replaces. An offer with `deletedAt` has no texts: a moderator deleted them, or the author was erased."""

    id: str
    conversation_id: str
    author_id: str
    title: str
    amount: int
    currency: str
    status: OfferStatus
    history: tuple[OfferStep, ...]
    created_at: str
    updated_at: str
    description: str | None = None
    expires_at: str | None = None
    counter_of: str | None = None
    metadata: dict[str, Any] | None = None
    deleted_at: str | None = None


class OfferDecisionPayload(Payload, frozen=True):
    """The new status to set for an offer. Its author withdraws it; any other member accepts or rejects it."""

    status: OfferDecision
    sender_id: str | None = None


def offer_payload(offer: Offer) -> OfferPayload:
    steps = [OfferStep("pending", iso(offer.created_ms), offer.author_id)]
    if offer.status != "pending":
        steps.append(OfferStep(offer.status, iso(offer.updated_ms), offer.closed_by))
    return OfferPayload(
        id=str(offer.id),
        conversation_id=offer.conversation_id,
        author_id=offer.author_id,
        title=offer.title,
        amount=offer.amount,
        currency=offer.currency,
        status=offer.status,
        history=tuple(steps),
        created_at=iso(offer.created_ms),
        updated_at=iso(max(offer.updated_ms, offer.deleted_ms or 0)),
        description=offer.description,
        expires_at=None if offer.expires_ms is None else iso(offer.expires_ms),
        counter_of=None if offer.counter_of is None else str(offer.counter_of),
        metadata=offer.metadata,
        deleted_at=None if offer.deleted_ms is None else iso(offer.deleted_ms),
    )


def to_create_offer(conversation_id: str, given: NewOfferPayload) -> CreateOffer:
    return CreateOffer(
        conversation_id=conversation_id,
        title=given.title,
        amount=given.amount,
        currency=given.currency,
        description=given.description,
        expires_ms=_expires_ms(given.expires_at),
        metadata=given.metadata,
        sender_id=given.sender_id,
    )


def to_counter_offer(offer_id: str, given: CounterOfferPayload) -> CounterOffer:
    return CounterOffer(
        offer_id=offer_id,
        amount=given.amount,
        currency=given.currency,
        title=given.title,
        description=given.description,
        expires_ms=_expires_ms(given.expires_at),
        metadata=given.metadata,
        sender_id=given.sender_id,
    )


def _expires_ms(expires_at: str | None) -> int | None:
    return None if expires_at is None else ms_of("expiresAt", expires_at)
