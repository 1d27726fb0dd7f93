"""The offline queue: custom events and missed messages that users without a connection receive when they connect again.

Custom events of the application are stored for each user. Messages are not: the log and the user's read positions show
which ones the user has missed, so sending a message writes nothing for each member. Events and messages are sent until
a heartbeat proves that they arrived. After a crash they may be sent twice, but they are never lost.
"""

from __future__ import annotations

from collections.abc import Collection
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
from talkwire.core.domain.access import may_act, message_for_reader, must_be_backend, must_be_operator, require
from talkwire.core.domain.model import Actor, MemberPreferences, Message, Notify
from talkwire.core.domain.pages import within_bytes
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

MAIL_KEPT_MAX = 1000
"""Number of a user's newest stored events that are kept."""

MAIL_KEPT_MS = 30 * 24 * 3600 * 1000
"""Milliseconds for which a user's stored events are kept, and for which messages count as missed."""

MISSED_MESSAGES_MAX = 1000
"""Most missed messages that are sent to a user: the newest ones."""

MAIL_PAGE_MAX = 50
"""Most stored events on one page."""

_encode = msgspec.json.Encoder().encode


def member_receives(
    message: Message, user_id: str, blocked_ids: Collection[str], here: MemberPreferences, default: Notify | None
) -> bool:
    """Returns whether a member is notified of a message in a conversation that they have not opened. The gateway
    dialect then sends it to their sockets, or as a missed message when they connect again.

    A member is not notified of their own messages, of messages of users whom they have blocked, of messages that were
    sent while they had the conversation muted, and of those that their present choice for the conversation
    (`here.notify`), or without one the conversation's `default`, leaves out.
    """
    if message.sender_id == user_id or message.sender_id in blocked_ids:
        return False
    notify = here.notify or default
    if here.is_muted(message.created_ms) or notify == "none":
        return False
    return notify != "mentions" or message.mentions_all or user_id in message.mentions


def store_mail(tx: Transaction, actor: Actor, command: StoreMail) -> None:
    must_be_backend(actor)
    tx.offline_queue.forget(tx.now_ms - MAIL_KEPT_MS)
    tx.offline_queue.keep(command.user_ids, command.event, _encode(command.payload).decode(), tx.now_ms)
    tx.offline_queue.keep_newest(command.user_ids, MAIL_KEPT_MAX)


def confirm_arrivals(tx: Transaction, actor: Actor, command: ConfirmArrivals) -> None:
    must_be_operator(actor)
    tx.offline_queue.confirm(command.arrivals)


def read_mail(snapshot: Snapshot, actor: Actor, query: ReadMail) -> tuple[Mail, ...]:
    require(may_act(snapshot.user(actor.user_id)))
    found = snapshot.offline_queue.stored(actor.user_id, query.after_id, query.now_ms - MAIL_KEPT_MS, MAIL_PAGE_MAX)
    return tuple(within_bytes(found, lambda mail: len(mail.payload)))


def find_missed(snapshot: Snapshot, actor: Actor, query: FindMissed) -> Missed:
    require(may_act(snapshot.user(actor.user_id)))
    after_pos = max(snapshot.offline_queue.position(actor.user_id), query.after_pos)
    found = snapshot.offline_queue.missed(actor.user_id, after_pos, query.now_ms - MAIL_KEPT_MS, MISSED_MESSAGES_MAX)
    _, pos = snapshot.head()
    return Missed(tuple(found), pos)


def read_missed(snapshot: Snapshot, actor: Actor, query: ReadMissed) -> tuple[Message, ...]:
    user_id = actor.user_id
    require(may_act(snapshot.user(user_id)))
    messages = snapshot.search.messages(query.message_ids)[::-1]
    conversation_ids = {message.conversation_id for message in messages}
    members = snapshot.memberships(user_id, conversation_ids)
    defaults = snapshot.offline_queue.notify_defaults(conversation_ids)
    blocked_ids = snapshot.blocked_ids_of((user_id,)).get(user_id, frozenset())
    received = []
    for message in messages:
        member = members.get(message.conversation_id)
        if member is None or not member.listed or message.deleted_ms is not None:
            continue
        seen = message_for_reader(message, member.history)
        here = MemberPreferences(member.muted, member.notify, unmute_ms=member.unmute_ms)
        default = defaults.get(message.conversation_id)
        if seen is not None and member_receives(seen, user_id, blocked_ids, here, default):
            received.append(seen)
    return tuple(received)


CHANGES: Changes = MappingProxyType(
    {StoreMail: ChangeHandler(store_mail), ConfirmArrivals: ChangeHandler(confirm_arrivals)}
)

QUERIES: Queries = MappingProxyType({ReadMail: read_mail, FindMissed: find_missed, ReadMissed: read_missed})
