"""The operations of cards: messages that ask their readers to decide."""

from __future__ import annotations

from talkwire.core.commands.cards.deciding import ActOnCard, CancelCard, CloseCard, GetCard
from talkwire.operations.operation import SPEAKS, TAKES_PART, One, Operation
from talkwire.operations.shapes import Shape
from talkwire.payloads.cards.cards import seen_card_payload

_TAG = "messages"
_ROUTE = "/messages/{message_id}/card"
_CARD = One(seen_card_payload, "card")
_ACT = (
    "What to choose of a card: `actionIds`, and the `input` that fills in the form of the action, if it has one. In a "
    "poll, they replace an earlier choice, and an empty list takes it back. Only callers with the role `service` set "
    "`senderId`, to the user who chooses."
)

OPERATIONS = (
    Operation(
        GetCard,
        route=f"GET {_ROUTE}",
        tag=_TAG,
        summary="Get the card of a message, with what the caller has chosen",
        answer=_CARD,
    ),
    Operation(
        ActOnCard,
        event="card:act",
        route=f"POST {_ROUTE}",
        tag=_TAG,
        summary="Choose actions of a card",
        status=200,
        answer=_CARD,
        body=Shape("ActOnCardBody", _ACT, last=("sender_id",)),
        payload=Shape("ActOnCardPayload", _ACT, last=("sender_id",)),
        unaudited=SPEAKS,
    ),
    Operation(
        CloseCard,
        event="card:close",
        route=f"POST {_ROUTE}/close",
        tag=_TAG,
        summary="Close a poll",
        status=200,
        answer=_CARD,
        payload=Shape("MessageIdPayload"),
        unaudited=TAKES_PART,
    ),
    Operation(
        CancelCard,
        event="card:cancel",
        route=f"POST {_ROUTE}/cancel",
        tag=_TAG,
        summary="Cancel a card, as its author",
        status=200,
        answer=_CARD,
        payload=Shape("MessageIdPayload"),
        unaudited=TAKES_PART,
    ),
)
