"""What is asked about offers."""

from __future__ import annotations

from typing import Literal

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Offer

OfferDecision = Literal["accepted", "rejected", "withdrawn"]


class CreateOffer(Change[Offer], frozen=True, tag="CreateOffer"):
    """`amount` is in the smallest unit of `currency` (ISO 4217). `sender_id` is for the role `service`."""

    conversation_id: str
    title: str
    amount: int
    currency: str
    description: str | None = None
    expires_ms: int | None = None
    metadata: dict[str, object] | None = None
    sender_id: str | None = None


class UpdateOffer(Change[Offer], frozen=True, tag="UpdateOffer"):
    """Its author withdraws an offer, any other member accepts or rejects it. An offer of another conversation than
    `conversation_id`, where one is named, is none."""

    offer_id: str
    status: OfferDecision
    sender_id: str | None = None
    conversation_id: str | None = None


class CounterOffer(Change[Offer], frozen=True, tag="CounterOffer"):
    """Closes another member's offer and makes one in its place, which is answered. What is not given (title, currency,
    description) is as in the first; its time and metadata are not taken over."""

    offer_id: str
    amount: int
    currency: str | None = None
    title: str | None = None
    description: str | None = None
    expires_ms: int | None = None
    metadata: dict[str, object] | None = None
    sender_id: str | None = None


class ExpireOffers(Change[int | None], frozen=True, tag="ExpireOffers"):
    """Ends the offers whose time has come. Answers when the next one's comes, None when there is none."""


class GetOffer(Query[Offer], frozen=True, tag="GetOffer"):
    offer_id: str


class ListOffers(Query[Page[Offer]], frozen=True, tag="ListOffers"):
    """Newest first."""

    conversation_id: str
    cursor: str | None = None
    limit: int = 50
