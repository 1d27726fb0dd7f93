"""The operations of ratings: members say of an agent's message whether it was good."""

from __future__ import annotations

from talkwire.core.commands.streams.rating import GetRating, RateMessage
from talkwire.operations.operation import SPEAKS, One, Operation
from talkwire.operations.shapes import Shape
from talkwire.payloads.messages import rating_payload

_TAG = "messages"
_ROUTE = "/messages/{message_id}/rating"
_RATING = (
    "A rating of a message of an agent. Only callers with the role `service` set `senderId`, to the user who rates it."
)

OPERATIONS = (
    Operation(
        RateMessage,
        event="message:rate",
        route=f"PUT {_ROUTE}",
        tag=_TAG,
        summary="Rate a message of an agent, or take the rating back",
        event_summary="Rate a message of an agent, in place of an earlier rating by the user, or take the rating back.",
        answer=One(rating_payload),
        body=Shape("RateMessageBody", _RATING, last=("sender_id",)),
        payload=Shape("RateMessagePayload", _RATING, last=("sender_id",)),
        unaudited=SPEAKS,
    ),
    Operation(
        GetRating,
        route=f"GET {_ROUTE}",
        tag=_TAG,
        summary="Get the caller's rating of a message of an agent",
        description="With how many users have rated it up and down, for callers who see that.",
        answer=One(rating_payload),
    ),
)
