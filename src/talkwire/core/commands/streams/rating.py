"""Commands with which members rate the messages of agents."""

from __future__ import annotations

from typing import Annotated

import msgspec

from talkwire.core.commands.command import Change, Query
from talkwire.core.commands.meanings import a_number, a_text

COMMENT_MAX_LENGTH = 1000
"""Longest comment on a rating, in characters."""

RatingValue = Annotated[
    int, a_number("`1` for a good message, `-1` for a bad one, `0` to take the rating back.", least=-1, most=1)
]
RatingComment = Annotated[str, a_text("Why, in the user's words.", longest=COMMENT_MAX_LENGTH, shortest=1)]


class MessageRating(msgspec.Struct, frozen=True):
    """What a caller sees of the ratings of a message: the own rating, 0 for none, with its comment, and how many users
    have rated the message up and down. `up` and `down` are None for callers who do not see them."""

    conversation_id: str
    mine: int
    comment: str | None = None
    up: int | None = None
    down: int | None = None


class RateMessage(Change[MessageRating], frozen=True, tag="RateMessage"):
    """Rates a message of an agent, and replaces the actor's earlier rating of it. `rating` is 1 or -1; 0 takes the
    rating back. Raises `invalid_request` for a message that is no agent's, and `conflict` for one that is still being
    written."""

    message_id: str
    rating: RatingValue
    comment: RatingComment | None = None
    sender_id: str | None = None


class GetRating(Query[MessageRating], frozen=True, tag="GetRating"):
    message_id: str
