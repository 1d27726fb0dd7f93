"""Payloads of offers: prices that one member of a conversation proposes to the others."""

from __future__ import annotations

from typing import Any

from talkwire.core.domain.model import Offer, OfferStatus
from talkwire.payloads.payload import Payload, iso, iso_or_none


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
        expires_at=iso_or_none(offer.expires_ms),
        counter_of=None if offer.counter_of is None else str(offer.counter_of),
        metadata=offer.metadata,
        deleted_at=iso_or_none(offer.deleted_ms),
    )
