"""Events of the messenger dialect about offers: prices that members of a conversation propose to each other."""

from __future__ import annotations

from talkwire.core.commands.command import Page
from talkwire.core.commands.offers import ListOffers, UpdateOffer
from talkwire.core.domain.events import Event, OfferCreated, OfferUpdated
from talkwire.core.domain.model import Offer
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.payload import Payload
from talkwire.dialects.payloads.offers import (
    CounterOfferPayload,
    NewOfferPayload,
    OfferDecisionPayload,
    OfferPayload,
    offer_payload,
    to_counter_offer,
    to_create_offer,
)
from talkwire.dialects.replies import Reply


class CreateOfferPayload(NewOfferPayload, frozen=True, kw_only=True):
    conversation_id: str


class UpdateOfferPayload(OfferDecisionPayload, frozen=True, kw_only=True):
    offer_id: str


class CounterPayload(CounterOfferPayload, frozen=True, kw_only=True):
    offer_id: str


class ListOffersPayload(Payload, frozen=True):
    conversation_id: str
    cursor: str | None = None
    limit: int = 50


class OfferReply(Reply, frozen=True, kw_only=True, rename="camel"):
    offer: OfferPayload


class OffersReply(Reply, frozen=True, kw_only=True, rename="camel"):
    offers: tuple[OfferPayload, ...]
    cursor: str | None = None


def _offer_reply(offer: Offer) -> OfferReply:
    return OfferReply(offer=offer_payload(offer))


def _offers_reply(page: Page[Offer]) -> OffersReply:
    return OffersReply(offers=tuple(map(offer_payload, page.items)), cursor=page.next)


def _offer(event: OfferCreated | OfferUpdated) -> OfferPayload:
    return offer_payload(event.offer)


INBOUND = {
    "offer:create": Inbound(
        CreateOfferPayload,
        lambda p: to_create_offer(p.conversation_id, p),
        _offer_reply,
        summary="Make a price offer to the other members.",
    ),
    "offer:update": Inbound(
        UpdateOfferPayload,
        lambda p: UpdateOffer(p.offer_id, p.status, p.sender_id),
        _offer_reply,
        summary="Accept, reject or withdraw a price offer.",
    ),
    "offer:counter": Inbound(
        CounterPayload,
        lambda p: to_counter_offer(p.offer_id, p),
        _offer_reply,
        summary="Reply to another member's price offer with a new one, which replaces it.",
    ),
    "offers:list": Inbound(
        ListOffersPayload,
        lambda p: ListOffers(p.conversation_id, p.cursor, p.limit),
        _offers_reply,
        summary="List the price offers of a conversation, newest first.",
    ),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    OfferCreated: (Outbound("offer:new", _offer, summary="A price offer was made in a conversation."),),
    OfferUpdated: (
        Outbound(
            "offer:updated",
            _offer,
            summary="A price offer was accepted, rejected, withdrawn or countered, or it expired.",
        ),
    ),
}
