"""The operations of offers: prices that one member of a conversation proposes to the others."""

from __future__ import annotations

from talkwire.core.commands.offers import CounterOffer, CreateOffer, DeleteOffer, GetOffer, ListOffers, UpdateOffer
from talkwire.operations.operation import SPEAKS, One, Operation, Paged
from talkwire.operations.shapes import Shape
from talkwire.payloads.offers import offer_payload

_TAG = "offers"
_OFFER = One(offer_payload, "offer")
_OFFERS = Paged(offer_payload, "offers")

_NEW_OFFER = Shape(
    "NewOfferPayload",
    "An offer (a price for something) to make in a conversation. Only callers with the role `service` set `senderId`, "
    "to the user who makes the offer.",
)
_COUNTER = Shape(
    "CounterOfferPayload",
    "A new offer to make in place of another member's offer. `title`, `currency` and `description` default to those of "
    "the replaced offer. Only callers with the role `service` set `senderId`, to the user who makes the new offer.",
)
_DECISION = Shape(
    "OfferDecisionPayload",
    "The new status to set for an offer. Its author withdraws it; any other member accepts or rejects it.",
)

CHANGES = (
    Operation(
        CreateOffer,
        event="offer:create",
        route="POST /conversations/{conversation_id}/offers",
        tag=_TAG,
        summary="Make a price offer to the other members",
        answer=_OFFER,
        body=_NEW_OFFER,
        payload=Shape("CreateOfferPayload", last=("conversation_id",)),
        unaudited=SPEAKS,
    ),
    Operation(
        GetOffer,
        route="GET /offers/{offer_id}",
        tag=_TAG,
        summary="Get a price offer",
        answer=_OFFER,
    ),
    Operation(
        UpdateOffer,
        event="offer:update",
        route="PATCH /offers/{offer_id}",
        tag=_TAG,
        summary="Accept, reject or withdraw a price offer",
        answer=_OFFER,
        body=_DECISION,
        payload=Shape("UpdateOfferPayload", last=("offer_id",)),
        without=("conversation_id",),
        unaudited=SPEAKS,
    ),
    *(
        Operation(
            UpdateOffer,
            route=f"POST /offers/{{offer_id}}/{verb}",
            tag=_TAG,
            operation_id=f"{verb}Offer",
            summary=summary,
            status=200,
            answer=_OFFER,
            fixed={"status": status},
            without=("conversation_id",),
            unaudited=SPEAKS,
        )
        for verb, status, summary in (
            ("accept", "accepted", "Accept a price offer"),
            ("reject", "rejected", "Reject a price offer"),
            ("withdraw", "withdrawn", "Withdraw the caller's own price offer"),
        )
    ),
    Operation(
        CounterOffer,
        event="offer:counter",
        route="POST /offers/{offer_id}/counter",
        tag=_TAG,
        summary="Reply to another member's price offer with a new one, which replaces it",
        answer=_OFFER,
        body=_COUNTER,
        payload=Shape("CounterPayload", last=("offer_id",)),
        unaudited=SPEAKS,
    ),
    Operation(
        DeleteOffer,
        event="offer:delete",
        route="DELETE /offers/{offer_id}",
        tag=_TAG,
        summary="Delete another member's price offer (for moderators)",
        event_summary="Delete the texts of another member's offer, and withdraw it if it is pending (for moderators).",
        description="The texts are removed; a pending offer is withdrawn. Its author can only withdraw it.",
    ),
)

LIST_OFFERS = Operation(
    ListOffers,
    event="offers:list",
    route="GET /conversations/{conversation_id}/offers",
    tag=_TAG,
    summary="List a conversation's price offers, newest first",
    event_summary="List the price offers of a conversation, newest first.",
    answer=_OFFERS,
)

OPERATIONS = (*CHANGES, LIST_OFFERS)
