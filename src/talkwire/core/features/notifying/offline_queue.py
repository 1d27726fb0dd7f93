"""Mail: what waits for users who are not there until they connect again.

Events of the application's own are stored for a user. Messages are not: where the log is and what the user has read
say which of them were missed, so that nothing is written per message and member. Both are sent
until a heartbeat has proved that they arrived, so after a crash they may come twice, but never not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType

import msgspec

from talkwire.core.commands.server.offline_queue import (
    ConfirmArrivals,
    FindMissed,
    Mail,
    Missed,
    ReadMail,
    ReadMissed,
    StoreMail,
)
from talkwire.core.domain.access import as_seen, may_act, must_operate, must_serve, require
from talkwire.core.domain.model import Actor, MemberPreferences, Message
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

KEPT = 1000
"""The newest of a user that are kept."""

KEPT_MS = 30 * 24 * 3600 * 1000
MISSED_MAX = 1000
"""The newest of the messages that a user missed which they are told of."""

PAGE_MAX = 50
PAGE_MAX_BYTES = 256 * 1024

_encode = msgspec.json.Encoder().encode


def calls_for_attention(message: Message, user_id: str, blocked_ids: Collection[str], here: MemberPreferences) -> bool:
    """Whether a member hears of a message in a conversation that they do not have open. Nobody does of their own, of
    whom they blocked, and of what they have muted."""
    if message.sender_id == user_id or message.sender_id in blocked_ids or here.muted or here.notify == "none":
        return False
    return here.notify != "mentions" or message.mentions_all or user_id in message.mentions


def store_mail(tx: Transaction, actor: Actor, command: StoreMail) -> None:
    must_serve(actor)
    tx.mail.forget(tx.now_ms - KEPT_MS)
    tx.mail.keep(command.user_ids, command.event, _encode(command.payload).decode(), tx.now_ms)
    tx.mail.keep_newest(command.user_ids, KEPT)


def confirm_arrivals(tx: Transaction, actor: Actor, command: ConfirmArrivals) -> None:
    must_operate(actor)
    tx.mail.confirm(command.arrivals)


def read_mail(snapshot: Snapshot, actor: Actor, query: ReadMail) -> tuple[Mail, ...]:
    require(may_act(snapshot.user(actor.user_id)))
    found = snapshot.mail.stored(actor.user_id, query.after_id, query.now_ms - KEPT_MS, PAGE_MAX)
    return tuple(_within_bytes(found))


def find_missed(snapshot: Snapshot, actor: Actor, query: FindMissed) -> Missed:
    require(may_act(snapshot.user(actor.user_id)))
    after_pos = max(snapshot.mail.position(actor.user_id), query.after_pos)
    found = snapshot.mail.missed(actor.user_id, after_pos, query.now_ms - KEPT_MS, MISSED_MAX)
    _, pos = snapshot.head()
    return Missed(tuple(found), pos)


def read_missed(snapshot: Snapshot, actor: Actor, query: ReadMissed) -> tuple[Message, ...]:
    user_id = actor.user_id
    require(may_act(snapshot.user(user_id)))
    messages = snapshot.search.messages(query.message_ids)[::-1]
    members = snapshot.memberships(user_id, {message.conversation_id for message in messages})
    blocked_ids = snapshot.blocked_ids_of((user_id,)).get(user_id, frozenset())
    told = []
    for message in messages:
        member = members.get(message.conversation_id)
        if member is None or message.deleted_ms is not None:
            continue
        seen = as_seen(message, member.history)
        here = MemberPreferences(member.muted, member.notify)
        if seen is not None and calls_for_attention(seen, user_id, blocked_ids, here):
            told.append(seen)
    return tuple(told)


def _within_bytes(found: Sequence[Mail]) -> Sequence[Mail]:
    """As many from the front as fit a page, one at least."""
    size = 0
    for index, mail in enumerate(found):
        size += len(mail.payload)
        if size > PAGE_MAX_BYTES and index:
            return found[:index]
    return found


CHANGES: Changes = MappingProxyType(
    {StoreMail: ChangeHandler(store_mail), ConfirmArrivals: ChangeHandler(confirm_arrivals)}
)

QUERIES: Queries = MappingProxyType({ReadMail: read_mail, FindMissed: find_missed, ReadMissed: read_missed})
