"""The `messenger` dialect as a whole: the tables of all events that clients and the server send, joined from the
modules of the features."""

from __future__ import annotations

from talkwire.core.domain.events import (
    ACCOUNT_EVENTS,
    CallMissed,
    CardReminded,
    RoomEntered,
    RoomLeft,
)
from talkwire.dialects import sign_in
from talkwire.dialects.dialect import Dialect
from talkwire.dialects.messenger import (
    calls,
    connection,
    conversations,
    members,
    messages,
    moderation,
    notifications,
    offers,
    presence,
    receipts,
    sync,
)
from talkwire.dialects.messenger.agents import turns
from talkwire.dialects.messenger.desk import claims
from talkwire.dialects.messenger.outbound import OUTBOUND
from talkwire.payloads import replies

MESSENGER = Dialect(
    name="messenger",
    namespace="/",
    inbound={
        **sign_in.INBOUND,
        **connection.INBOUND,
        **conversations.INBOUND,
        **members.INBOUND,
        **claims.INBOUND,
        **messages.INBOUND,
        **turns.INBOUND,
        **moderation.INBOUND,
        **presence.INBOUND,
        **calls.INBOUND,
        **receipts.INBOUND,
        **notifications.INBOUND,
        **offers.INBOUND,
        **sync.INBOUND,
    },
    outbound=OUTBOUND,
    silent=ACCOUNT_EVENTS | {CallMissed, CardReminded, RoomEntered, RoomLeft},
    welcome=connection.welcome,
    refusal=replies.refusal,
    error=replies.error,
    goodbye=connection.goodbye,
    follows_all=True,
)
