"""Ratings of agents' messages, and how many there are of each message."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType

from sqlalchemy import BigInteger, Connection, bindparam, delete, select, update

from talkwire.core.domain.events import MessageRated
from talkwire.core.ports.stores import GivenRating, OwnRating, RatingSums
from talkwire.storage.schema import message_ratings, rating_sums
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.tables.projection import Projections
from talkwire.storage.workspace import Workspace

_put = upsert(message_ratings)
_put = _put.on_conflict_do_update(
    index_elements=["user_id", "message_id"],
    set_={column: _put.excluded[column] for column in ("rating", "comment", "rated_ms")},
)
_put_sums = upsert(rating_sums)
_put_sums = _put_sums.on_conflict_do_update(
    index_elements=["message_id"], set_={column: _put_sums.excluded[column] for column in ("up", "down")}
)
_forget = [delete(table).where(table.c.message_id == bindparam("of_id")) for table in (message_ratings, rating_sums)]

_uncount = (
    update(rating_sums)
    .where(rating_sums.c.message_id == bindparam("of_id"))
    .values(
        up=rating_sums.c.up - bindparam("less_up", type_=BigInteger),
        down=rating_sums.c.down - bindparam("less_down", type_=BigInteger),
    )
)


class RatingRows(Reads):
    """Reads ratings. Implements `core.ports.stores.Ratings`."""

    def given(self, message_id: int, user_id: str) -> GivenRating | None:
        found = select(message_ratings.c.rating, message_ratings.c.comment).where(
            message_ratings.c.user_id == user_id, message_ratings.c.message_id == message_id
        )
        row = self._connection.execute(found).one_or_none()
        return None if row is None else GivenRating(*row)

    def sums(self, message_id: int) -> RatingSums:
        found = select(rating_sums.c.up, rating_sums.c.down).where(rating_sums.c.message_id == message_id)
        row = self._connection.execute(found).one_or_none()
        return RatingSums(0, 0) if row is None else RatingSums(*row)

    def of_user(self, user_id: str, after_id: int, limit: int) -> Sequence[OwnRating]:
        rated = message_ratings.c
        found = select(rated.message_id, rated.rating, rated.comment, rated.rated_ms).where(
            rated.user_id == user_id, rated.message_id > after_id
        )
        return [OwnRating(*row) for row in self._connection.execute(found.order_by(rated.message_id).limit(limit))]


def forget_ratings(connection: Connection, message_ids: Collection[int]) -> None:
    """Removes the ratings of deleted messages."""
    for statement in _forget:
        connection.execute(statement, [{"of_id": id_} for id_ in message_ids])


def forget_ratings_of_user(connection: Connection, user_id: str, limit: int) -> int:
    """Removes at most `limit` ratings that a user has given, and takes them out of the sums. Returns how many."""
    own = message_ratings.c.user_id == user_id
    found = select(message_ratings.c.message_id, message_ratings.c.rating).where(own).limit(limit)
    rows = connection.execute(found).all()
    if rows:
        uncounted = [
            {"of_id": id_, "less_up": int(rating == 1), "less_down": int(rating == -1)} for id_, rating in rows
        ]
        connection.execute(_uncount, uncounted)
        connection.execute(
            delete(message_ratings).where(own, message_ratings.c.message_id.in_([id_ for id_, _ in rows]))
        )
    return len(rows)


# --- events -----------------------------------------------------------------------------------------------------------


def _rated(workspace: Workspace, event: MessageRated) -> None:
    connection, key = workspace.connection, {"user_id": event.user_id, "message_id": event.message.id}
    if event.rating:
        given = {"rating": event.rating, "comment": event.comment, "rated_ms": event.at_ms}
        connection.execute(_put, key | given)
    else:
        own = message_ratings.c.user_id == event.user_id, message_ratings.c.message_id == event.message.id
        connection.execute(delete(message_ratings).where(*own))
    connection.execute(_put_sums, {"message_id": event.message.id, "up": event.up, "down": event.down})


PROJECTIONS: Projections = MappingProxyType({MessageRated: _rated})
