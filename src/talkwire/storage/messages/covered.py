"""Which messages a member's cursor passed when it moved, and which members must not learn of it.

The log says from where to where a cursor moved and nothing of the messages in between. They are read with the events,
by one statement a batch or page, of a range of the index a move. The same statement finds the members that the reader
has blocked: these receive no receipt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import BigInteger, CompoundSelect, Connection, Dialect, case, cast, func, null, select, union_all

from talkwire.core.domain.events import Durable, MessagesDelivered, MessagesRead
from talkwire.core.features.messages.receipts import COVERED_MAX
from talkwire.storage.schema import blocks, members, messages
from talkwire.storage.sql.keys import key_text, keys_parameter, keys_table

LOOK_BACK = 1000
"""Messages of a move that are looked through for those of others."""


def covered_select(dialect: Dialect) -> CompoundSelect[Any]:
    """For keys (place, conversation id, user id, seq before, seq after): the place, with a row for each message and its
    sender, and a row without a message for each member that the user has blocked."""
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
    covered = (
        select(cast(place, BigInteger).label("place"), messages.c.id, messages.c.sender_id.label("user_id"))
        .select_from(keys)
        .join(messages, (messages.c.conversation_id == conversation_id) & (messages.c.seq >= first))
        .where(messages.c.seq <= seq, messages.c.sender_id != user_id)
    )
    withheld = (
        select(cast(place, BigInteger), cast(null(), BigInteger), blocks.c.blocked_id)
        .select_from(keys)
        .join(blocks, blocks.c.user_id == user_id)
        .join(members, (members.c.conversation_id == conversation_id) & (members.c.user_id == blocks.c.blocked_id))
    )
    return union_all(covered, withheld)


def with_covered(connection: Connection, statement: CompoundSelect[Any], events: Sequence[Durable]) -> list[Durable]:
    """The events, those of moved cursors with the messages that they covered and with the members that they are
    withheld from. `statement` is `Lookups.covered`; without any such event nothing is read."""
    places = [place for place, event in enumerate(events) if isinstance(event, MessagesRead | MessagesDelivered)]
    if not places:
        return list(events)
    covered: dict[int, list[tuple[int, str]]] = {place: [] for place in places}
    withheld: dict[int, list[str]] = {place: [] for place in places}
    keys = [_key(place, events[place]) for place in places]
    for place, message_id, user_id in connection.execute(statement, keys_parameter(keys)):
        if message_id is None:
            withheld[place].append(user_id)
        else:
            covered[place].append((message_id, user_id))
    return [
        replace(event, covered=tuple(sorted(covered[place])), withheld=tuple(sorted(withheld[place])))
        if place in covered
        else event
        for place, event in enumerate(events)
    ]


def _key(place: int, event: Durable) -> tuple[str, ...]:
    assert isinstance(event, MessagesRead | MessagesDelivered), "nothing else moves a cursor"
    since = max(event.since, event.seq - LOOK_BACK)
    return str(place), event.conversation_id, event.user_id, str(since), str(event.seq)
