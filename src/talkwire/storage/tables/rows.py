"""Rows of the tables as the domain's values, and back. Messages are in `message_rows`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

import msgspec
import structlog
from sqlalchemy import Row

from talkwire.core.domain.audience import audience_of
from talkwire.core.domain.events import Durable, MessageEvent, MessageSent
from talkwire.core.domain.model import Account, Conversation, LoginSession, Member, Message, Restriction, User

AnyRow = Row[Any]
Values = tuple[int | str | None, ...]

_events: msgspec.json.Decoder[Durable] = msgspec.json.Decoder(Durable)
_details: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
_json = msgspec.json.Encoder()
_logger = structlog.get_logger(__name__)

KNOWN_EVENTS = frozenset(kind.__name__ for kind in get_args(Durable))
"""The types of the log's rows that this version has. A newer one, beside it during an upgrade, may have more."""

_UNREADABLE = (msgspec.MsgspecError, TypeError, KeyError, ValueError)
"""What reading a row raises that another version, or another program, has written."""

_NO_MESSAGES: Mapping[int, Message] = MappingProxyType({})

_MESSAGE_EVENTS: dict[str, type[MessageEvent]] = {kind.__name__: kind for kind in MessageEvent.__subclasses__()}


def to_json(value: object) -> str | None:
    """JSON as it is stored; None stays empty."""
    return None if value is None else _json.encode(value).decode()


def from_json(text: str | None) -> Any:  # noqa: ANN401 (JSON)
    return None if text is None else msgspec.json.decode(text)


def to_user(row: AnyRow) -> User:
    return User(
        id=row.id,
        name=row.name,
        created_ms=row.created_ms,
        email=row.email,
        banned=bool(row.banned),
        avatar=row.avatar,
        text=row.text,
        metadata=from_json(row.metadata),
        named=bool(row.named),
    )


def user_values(user: User) -> dict[str, object]:
    return msgspec.structs.asdict(user) | {
        "folded_name": user.name.casefold(),
        "metadata": to_json(user.metadata),
    }


def to_account(row: AnyRow) -> Account:
    return Account(row.user_id, row.email, row.password_hash)


def to_login(row: AnyRow) -> LoginSession:
    return LoginSession(
        id=row.id,
        user_id=row.user_id,
        token_hash=row.token_hash,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        last_seen_ms=row.last_seen_ms,
        address=row.address,
        user_agent=row.user_agent,
    )


def to_conversation(row: AnyRow) -> Conversation:
    return Conversation(
        id=row.id,
        kind=row.kind,
        name=row.name,
        owner_id=row.owner_id,
        member_count=row.member_count,
        last_seq=row.last_seq,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        avatar=row.avatar,
        public=bool(row.public),
        history=row.history,
        slow_mode_s=row.slow_mode_s,
        metadata=from_json(row.metadata),
        deleted_ms=row.deleted_ms,
        blocked=bool(row.blocked),
        last_pos=row.last_pos,
        active_pos=row.active_pos,
    )


def conversation_values(conversation: Conversation) -> dict[str, object]:
    return msgspec.structs.asdict(conversation) | {"metadata": to_json(conversation.metadata)}


def to_member(row: AnyRow) -> Member:
    return Member(
        conversation_id=row.conversation_id,
        user_id=row.user_id,
        role=row.role,
        joined_ms=row.joined_ms,
        history_seq=row.history_seq,
        read_seq=row.read_seq,
        read_ms=row.read_ms,
        delivered_seq=row.delivered_seq,
        delivered_ms=row.delivered_ms,
        sent_count=row.sent_count,
        last_sent_ms=row.last_sent_ms,
        read_sent=row.read_sent,
        muted_until_ms=row.muted_until_ms,
        muted=bool(row.muted),
        notify=row.notify,
        sound=row.sound,
        history_pos=row.history_pos,
        marked_seq=row.marked_seq,
        marked_sent=row.marked_sent,
        marked_at_seq=row.marked_at_seq,
    )


def to_restriction(row: AnyRow) -> Restriction:
    return Restriction(row.conversation_id, row.user_id, row.kind, row.until_ms, row.by, row.reason)


SENT_LOG_COLUMNS = ("pos", "conversation_id", "message_id", "at_ms", "batch")
"""What the log says of a message that was sent, beside the type."""

LOG_COLUMNS = ("pos", "type", "conversation_id", "user_id", "message_id", "data", "at_ms", "batch")


def sent_log_values(event: MessageSent, batch: int | None) -> Values:
    """What an event's row in the log holds, by `SENT_LOG_COLUMNS`."""
    message = event.message
    return event.pos, message.conversation_id, message.id, event.at_ms, batch


def log_values(event: Durable, batch: int | None) -> Values:
    """What an event's row in the log holds, by `LOG_COLUMNS`."""
    if type(event) is MessageSent:
        message = event.message
        return event.pos, "MessageSent", message.conversation_id, None, message.id, None, event.at_ms, batch
    audience = audience_of(event)
    message_id, data = None, event
    if isinstance(event, MessageEvent):
        message_id, data = event.message.id, _beside_the_message(event)
    return (
        event.pos,
        type(event).__name__,
        audience.conversation_id,
        audience.user_id,
        message_id,
        to_json(data),
        event.at_ms,
        batch,
    )


def _beside_the_message(event: MessageEvent) -> Any:  # noqa: ANN401 (JSON)
    details = msgspec.structs.asdict(event)
    for name in ("pos", "at_ms", "message"):
        del details[name]
    return details


def to_event(row: AnyRow, message: Message | None) -> Durable:
    """A row of the log; `message` is the one it names, as it is now."""
    if message is None:
        return _events.decode(row.data)
    kind = _MESSAGE_EVENTS[row.type]
    details = {} if row.data is None else _details.decode(row.data)
    # A newer version may say more of an event.
    known = {name: value for name, value in details.items() if name in kind.__struct_fields__}
    event: Any = kind(row.pos, row.at_ms, message, **known)
    return event  # type: ignore[no-any-return]  # one of the union's members, by its name


def to_events(rows: Iterable[AnyRow], messages: Mapping[int, Message] = _NO_MESSAGES) -> list[Durable]:
    """Rows of the log, with the messages that they name, by id. What a newer version has written and this one has no
    words for is left out: nobody here could be told, and what comes behind it must not wait for ever."""
    events = []
    for row in rows:
        if row.type not in KNOWN_EVENTS:
            _warn_of_newer_event(row.type)
            continue
        try:
            events.append(to_event(row, messages.get(row.message_id)))
        except _UNREADABLE as error:
            cause = str(error)
            _logger.error("an event of the log cannot be read", type=row.type, pos=row.pos, error=cause)  # noqa: TRY400
    return events


@cache
def _warn_of_newer_event(type_: str) -> None:
    """Once for each type: there may be many of them."""
    _logger.warning("the log has events of a newer version, which are left out here", type=type_)
