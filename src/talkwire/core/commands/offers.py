"""Commands about offers: prices proposed in a conversation."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.commands.meanings import a_number, a_pattern, a_text
from talkwire.core.domain.model import SAFE_INTEGER_MAX, Offer

OFFER_AMOUNT_MAX = SAFE_INTEGER_MAX
"""Largest amount of an offer, in the currency's smallest unit."""

OFFER_TITLE_MAX_LENGTH = 200
"""Longest title of an offer, in characters."""

OFFER_DESCRIPTION_MAX_LENGTH = 4000
"""Longest description of an offer, in characters."""

OfferDecision = Literal["accepted", "rejected", "withdrawn"]

Amount = Annotated[int, a_number("The amount in the currency's smallest unit, such as cents", 0, OFFER_AMOUNT_MAX)]
Currency = Annotated[str, a_pattern("The currency's ISO 4217 code, such as EUR", "^[A-Z]{3}$")]
Title = Annotated[str, a_text(longest=OFFER_TITLE_MAX_LENGTH, shortest=1)]
Description = Annotated[str, a_text(longest=OFFER_DESCRIPTION_MAX_LENGTH)]
Expiry = Annotated[int, Meta(description="A future time in ISO 8601")]


class CreateOffer(Change[Offer], frozen=True, tag="CreateOffer"):
    """Creates an offer, a price proposed in a conversation. `amount` is in the smallest unit of `currency` (ISO 4217).
    Only the role `service` sets `sender_id`."""

    conversation_id: str
    title: Title
    amount: Amount
    currency: Currency
    description: Description | None = None
    expires_ms: Expiry | None = None
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
    amount: Amount
    currency: Currency | None = None
    title: Title | None = None
    description: Description | None = None
    expires_ms: Expiry | None = None
    metadata: dict[str, object] | None = None
    sender_id: str | None = None


class DeleteOffer(Change[None], frozen=True, tag="DeleteOffer"):
    """Removes the texts of another member's offer (a proposed price), and withdraws it if it is pending; deleting it
    again changes nothing. Only for operators, and for the owner and admins of the offer's group or channel."""

    offer_id: str


class GetOffer(Query[Offer], frozen=True, tag="GetOffer"):
    offer_id: str


class ListOffers(Query[Page[Offer]], frozen=True, tag="ListOffers"):
    """Lists the offers (proposed prices) of a conversation, newest first."""

    conversation_id: str
    cursor: str | None = None
    limit: int = 50
