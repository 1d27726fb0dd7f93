"""Events of the messenger dialect about offers: prices that members of a conversation propose to each other."""

from __future__ import annotations

from talkwire.core.commands.command import Page
from talkwire.core.commands.moderation.reports import ReportOffer
from talkwire.core.commands.offers import DeleteOffer, ListOffers, UpdateOffer
from talkwire.core.commands.search import SearchOffers
from talkwire.core.domain.events import Event, OfferCreated, OfferUpdated
from talkwire.core.domain.model import Offer
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.messenger.messages import SearchMessagesPayload, search_command
from talkwire.dialects.messenger.moderation import report_reply
from talkwire.payloads.offers import (
    CounterOfferPayload,
    NewOfferPayload,
    OfferDecisionPayload,
    OfferPayload,
    offer_payload,
    to_counter_offer,
    to_create_offer,
)
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import Reply, done


class CreateOfferPayload(NewOfferPayload, frozen=True, kw_only=True):
    conversation_id: str


class UpdateOfferPayload(OfferDecisionPayload, frozen=True, kw_only=True):
    offer_id: str


class CounterPayload(CounterOfferPayload, frozen=True, kw_only=True):
    offer_id: str


class DeleteOfferPayload(Payload, frozen=True):
    offer_id: str


class ReportOfferPayload(Payload, frozen=True):
    """An offer to report to the admins, and the reason: a short word such as `spam`, `abuse` or `other`, and an
    optional note."""

    offer_id: str
    reason: str
    note: str | None = None


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
    "offer:delete": Inbound(
        DeleteOfferPayload,
        lambda p: DeleteOffer(p.offer_id),
        done,
        summary="Delete the texts of another member's offer, and withdraw it if it is pending (for moderators).",
    ),
    "offer:report": Inbound(
        ReportOfferPayload,
        lambda p: ReportOffer(p.offer_id, p.reason, p.note),
        report_reply,
        summary="Report a price offer to the admins. Reporting it again returns the open report.",
    ),
    "offers:search": Inbound(
        SearchMessagesPayload,
        lambda p: search_command(SearchOffers, p),
        _offers_reply,
        summary="Search price offers, newest first. The roles `service` and `admin` find every offer.",
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
            summary="A price offer was accepted, rejected, withdrawn, countered or deleted, or it expired.",
        ),
    ),
}
