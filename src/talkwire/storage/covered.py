"""Which messages a member's cursor passed when it moved: what the authors of these are told (contract, section 4).

The log says from where to where a cursor moved and nothing of the messages in between. They are read with the events,
by one statement a batch or page, of a range of the index a move.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import BigInteger, Connection, Dialect, Select, case, cast, func, select

from talkwire.core.events import Durable, MessagesDelivered, MessagesRead
from talkwire.core.receipts import COVERED_MAX
from talkwire.storage.keys import key_text, keys_parameter, keys_table
from talkwire.storage.schema import messages

LOOK_BACK = 1000
"""Messages of a move that are looked through for those of others."""


def covered_select(dialect: Dialect) -> Select[Any]:
    """For keys (place, conversation id, user id, seq before, seq after): the place, with a message a row."""
    keys = keys_table(dialect)
    place, conversation_id, user_id = (key_text(keys, index) for index in range(3))
    since, seq = (cast(key_text(keys, index), BigInteger) for index in (3, 4))
    nth = messages.alias("nth")
    first_seq = (
        select(nth.c.seq)
        .where(nth.c.conversation_id == conversation_id, nth.c.seq > since, nth.c.seq <= seq)
        .where(nth.c.sender_id != user_id)
        .order_by(nth.c.seq.desc())
        .offset(COVERED_MAX - 1)
        .limit(1)
        .scalar_subquery()
    )
    # Nearly every move is a short one, whose messages are not too many.
    first = case((seq - since > COVERED_MAX, func.coalesce(first_seq, since + 1)), else_=since + 1)
    return (
        select(cast(place, BigInteger).label("place"), messages.c.id, messages.c.sender_id)
        .select_from(keys)
        .join(messages, (messages.c.conversation_id == conversation_id) & (messages.c.seq >= first))
        .where(messages.c.seq <= seq, messages.c.sender_id != user_id)
        .order_by(messages.c.id)
    )


def with_covered(connection: Connection, statement: Select[Any], events: Sequence[Durable]) -> list[Durable]:
    """The events, those of moved cursors with the messages that they covered. `statement` is `Lookups.covered`; without
    any such event nothing is read."""
    found: dict[int, list[tuple[int, str]]] = {
        place: [] for place, event in enumerate(events) if isinstance(event, MessagesRead | MessagesDelivered)
    }
    if not found:
        return list(events)
    keys = [_key(place, events[place]) for place in found]
    for place, message_id, sender_id in connection.execute(statement, keys_parameter(keys)):
        found[place].append((message_id, sender_id))
    return [
        replace(event, covered=tuple(found[place])) if place in found else event for place, event in enumerate(events)
    ]


def _key(place: int, event: Durable) -> tuple[str, ...]:
    assert isinstance(event, MessagesRead | MessagesDelivered), "nothing else moves a cursor"
    since = max(event.since, event.seq - LOOK_BACK)
    return str(place), event.conversation_id, event.user_id, str(since), str(event.seq)
