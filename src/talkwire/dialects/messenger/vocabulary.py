"""The whole vocabulary: the tables of all features in one."""

from __future__ import annotations

from talkwire.core.events import LoginEnded, LoginOpened, UserBanned, UserCreated, UserRenamed, UserUnbanned
from talkwire.dialects.dialect import Dialect
from talkwire.dialects.messenger import connection, conversations, messages, replies

MESSENGER = Dialect(
    name="messenger",
    namespace="/",
    inbound={**connection.INBOUND, **conversations.INBOUND, **messages.INBOUND},
    outbound={**conversations.OUTBOUND, **messages.OUTBOUND},
    silent=frozenset({UserCreated, UserRenamed, UserBanned, UserUnbanned, LoginOpened, LoginEnded}),
    welcome=connection.welcome,
    refusal=replies.refusal,
    error=replies.error,
    goodbye=connection.goodbye,
)
