"""Signs a client in to a chat namespace: checks its credentials, selects its dialect (event vocabulary) and applies the
limit of sockets per user.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import ID_MAX_LENGTH
from talkwire.core.engine.limits import RateLimited
from talkwire.dialects.dialect import Dialect
from talkwire.identity.callers import Callers, Credentials
from talkwire.identity.presented import bare_token, presented_token
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.engine.connection import Handshake
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.socketio.socketio_socket import ConnectRefused

CROWDED_S = 30.0
"""Seconds after which a user with too many sockets may try again."""


class SignIn:
    """Signs clients in to one chat namespace. The first of `dialects` (event vocabularies) is for clients that ask for
    none.
    """

    def __init__(
        self, callers: Callers, dialects: Sequence[Dialect], sockets_per_user: int | None, metrics: RealtimeMetrics
    ) -> None:
        self._callers = callers
        self._metrics = metrics
        self._dialects = {dialect.name: dialect for dialect in dialects}
        self._default = dialects[0].name
        self._sockets_per_user = sockets_per_user

    def dialect_of(self, handshake: Handshake, auth: dict[str, Any]) -> Dialect:
        """Returns the dialect (event vocabulary) that a client asks for in its auth payload or query, else the default.
        Raises ConnectRefused for an unknown name.
        """
        wanted = auth.get("dialect") or handshake.query.get("dialect") or self._default
        dialect = self._dialects.get(wanted) if isinstance(wanted, str) else None
        if dialect is None:
            raise ConnectRefused("No such dialect", {"code": "invalid_request"})
        return dialect

    async def identify(self, handshake: Handshake, auth: dict[str, Any], dialect: Dialect) -> ChatClient:
        """Checks a client's credentials, and returns the chat's data for its new socket. Raises ConnectRefused for
        invalid credentials or a user with too many sockets.
        """
        try:
            caller = await self._callers.identify(_credentials(handshake, auth))
            most = self._sockets_per_user
            if most is not None and caller.entry.holds >= most and caller.actor.role != "service":
                self._metrics.crowded += 1
                error = RateLimited(CROWDED_S)
                details = {"code": error.code, "details": error.details}
                raise ConnectRefused("Too many sockets of this user", details)
            client = ChatClient.of(caller, dialect)
            client.device_id = _device_id(auth)
            return client
        except ChatError as error:
            data: dict[str, object] = {"code": error.code, "reason": error.message}
            if error.details is not None:
                data["details"] = error.details
            parting = None if dialect.refused_sign_in is None else dialect.refused_sign_in(error)
            raise ConnectRefused("Authentication failed", data, parting) from error

    async def renew(self, handshake: Handshake, token: str, client: ChatClient) -> None:
        """Replaces the token of a connected client by a newer one of the same user: updates the user, the sign-in and
        the expiry in `client`. Raises ChatError for an invalid token, and for a token of another user (with the code
        `forbidden`).
        """
        credentials = Credentials(bare_token(token), forwarded=handshake.forwarded, address=handshake.address)
        renewed = ChatClient.of(await self._callers.identify(credentials), client.dialect)
        if renewed.actor.user_id != client.actor.user_id:
            raise ChatError("forbidden", "This token is of another user.", cause="other_user")
        client.actor, client.session_id, client.expires_at = renewed.actor, renewed.session_id, renewed.expires_at


def _credentials(handshake: Handshake, auth: dict[str, Any]) -> Credentials:
    """Returns the credentials in a client's handshake and auth payload."""
    sent = auth.get("token")
    sent = sent if isinstance(sent, str) else ""
    user_id = auth.get("userId") or handshake.query.get("userId")
    if isinstance(user_id, int) and not isinstance(user_id, bool):
        user_id = str(user_id)
    user_id = user_id if isinstance(user_id, str) else None
    return Credentials(
        presented_token(sent, handshake.authorization, handshake.query.get("token")),
        user_id,
        handshake.forwarded,
        handshake.address,
        authorization=handshake.authorization,
        cookie=handshake.cookie,
    )


def _device_id(auth: dict[str, Any]) -> str | None:
    given = auth.get("deviceId")
    return given if isinstance(given, str) and 0 < len(given) <= ID_MAX_LENGTH else None
