"""Commands about offers: prices proposed in a conversation."""

from __future__ import annotations

from typing import Literal

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Offer

OfferDecision = Literal["accepted", "rejected", "withdrawn"]


class CreateOffer(Change[Offer], frozen=True, tag="CreateOffer"):
    """Creates an offer, a price proposed in a conversation. `amount` is in the smallest unit of `currency` (ISO 4217).
    Only the role `service` sets `sender_id`."""

    conversation_id: str
    title: str
    amount: int
    currency: str
    description: str | None = None
    expires_ms: int | None = None
    metadata: dict[str, object] | None = None
    sender_id: str | None = None


class UpdateOffer(Change[Offer], frozen=True, tag="UpdateOffer"):
    """Closes an offer (a proposed price) and returns it: its author withdraws it, any other member accepts or rejects
    it. Raises `conflict` if it is closed already, unless the same user has closed it with the same `status`.

    If `conversation_id` is set and the offer is of another conversation, raises `forbidden` as for an unknown offer.
    """

    offer_id: str
    status: OfferDecision
    sender_id: str | None = None
    conversation_id: str | None = None


class CounterOffer(Change[Offer], frozen=True, tag="CounterOffer"):
    """Closes another member's offer (a proposed price) as `countered`, and returns the actor's new offer, which
    replaces it.

    Title, currency and description default to those of the first offer; its expiry and metadata are not copied. Raises
    `conflict` if the first offer is closed already.
    """

    offer_id: str
    amount: int
    currency: str | None = None
    title: str | None = None
    description: str | None = None
    expires_ms: int | None = None
    metadata: dict[str, object] | None = None
    sender_id: str | None = None


class DeleteOffer(Change[None], frozen=True, tag="DeleteOffer"):
    """Removes the texts of another member's offer (a proposed price), and withdraws it if it is pending; deleting it
    again changes nothing. Only for operators, and for the owner and admins of the offer's group or channel."""

    offer_id: str


class ExpireOffers(Change[int | None], frozen=True, tag="ExpireOffers"):
    """Closes offers (proposed prices) whose time has ended, a limited number at once. Returns when the next one
    expires, in milliseconds since 1970, or None; a time in the past means that more are to be closed now."""


class GetOffer(Query[Offer], frozen=True, tag="GetOffer"):
    offer_id: str


class ListOffers(Query[Page[Offer]], frozen=True, tag="ListOffers"):
    """Lists the offers (proposed prices) of a conversation, newest first."""

    conversation_id: str
    cursor: str | None = None
    limit: int = 50
