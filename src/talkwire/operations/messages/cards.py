"""The operations of cards: messages that ask their readers to decide."""

from __future__ import annotations

from talkwire.core.commands.cards.deciding import (
    ActOnCard,
    CancelCard,
    CloseCard,
    GetCard,
    GetReceipt,
    ListWaitingCards,
)
from talkwire.operations.operation import SPEAKS, TAKES_PART, One, Operation
from talkwire.operations.shapes import Shape
from talkwire.payloads.cards.cards import receipt_payload, seen_card_payload, waiting_cards_payload

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
        ListWaitingCards,
        route="GET /cards",
        tag=_TAG,
        summary="List the open cards that wait for the caller's choice, newest first",
        description="Without polls. `count` says how many there are.",
        answer=One(waiting_cards_payload),
    ),
    Operation(
        GetCard,
        route=f"GET {_ROUTE}",
        tag=_TAG,
        summary="Get the card of a message, with what the caller has chosen",
        description="With `wait`, the answer comes when the decision has ended, or after so many seconds.",
        answer=_CARD,
    ),
    Operation(
        GetReceipt,
        route=f"GET {_ROUTE}/receipt",
        tag=_TAG,
        operation_id="getCardReceipt",
        summary="Get a signed receipt of how the decision about a card has ended",
        description="A compact JWS (ES256), whose keys are at `/.well-known/talkwire-receipts.json`.",
        answer=One(receipt_payload),
        refuses=(409,),
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
