"""A hook that asks the application's back end over HTTP before the server executes a command, such as
`message:send`.
"""

from __future__ import annotations

from typing import Any, TypeVar, get_args

import msgspec

from talkwire.callbacks.client import (
    MESSAGE_MAX_LENGTH,
    CallbackClient,
    CallbackFailed,
    CallbackRefusal,
    OnFailure,
)
from talkwire.callbacks.command_payloads import command_of, payload_of
from talkwire.core.commands.command import Command
from talkwire.core.domain.errors import ChatError, ErrorCode
from talkwire.core.domain.model import Actor

C = TypeVar("C", bound=Command[Any])

_CODES: dict[str, ErrorCode] = {code: code for code in get_args(ErrorCode)}


class _Response(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The back end's response about a command.

    `{}`: execute the command. `command`: execute this changed command instead. `error`: refuse the command.
    """

    command: dict[str, object] | None = None
    error: CallbackRefusal | None = None


class CommandCallback:
    """A hook that asks the application's back end over HTTP about one command, such as `message:send`. Register it with
    `core.engine.hooks.Hooks.add`. If the back end does not answer properly, the command is refused with `unavailable`,
    or executed if `on_failure` is `allow`.

    The command's name and payload are those of the messenger dialect, the default event vocabulary of clients.
    """

    def __init__(self, name: str, client: CallbackClient, on_failure: OnFailure) -> None:
        self._name = name
        self._client = client
        self._on_failure = on_failure

    async def __call__(self, actor: Actor, command: C) -> C | None:
        """Asks the back end, and returns the command to execute instead, or None to execute the command unchanged.

        Raises ChatError if the back end refuses the command; `unavailable` if the callback fails and `on_failure` is
        `refuse`.
        """
        try:
            response = await self._client.ask(self._name, self._request(actor, command), _Response)
            return self._outcome(response, command)
        except CallbackFailed as failure:
            self._client.count_failure(self._name, failure, self._on_failure)
            if self._on_failure == "allow":
                return None
            raise ChatError("unavailable", "This could not be checked by the application. Try again later.") from None

    def _request(self, actor: Actor, command: C) -> dict[str, object]:
        caller = {"userId": actor.user_id, "role": actor.role, "claims": dict(actor.claims)}
        return {"actor": caller, "command": payload_of(self._name, command)}

    def _outcome(self, response: _Response, command: C) -> C | None:
        if response.error is not None and response.command is not None:
            raise CallbackFailed("response", "the response has both `command` and `error`")
        if response.error is not None:
            self._client.count(self._name, "refused")
            raise refusal_of(response.error, "forbidden", "The application has refused this.")
        if response.command is None:
            self._client.count(self._name, "allowed")
            return None
        try:
            changed = command_of(self._name, response.command, command)
        except (ValueError, ChatError) as error:
            raise CallbackFailed("response", f"the changed command is invalid: {error}") from None
        self._client.count(self._name, "changed")
        return changed


def refusal_of(refusal: CallbackRefusal, code: ErrorCode, message: str) -> ChatError:
    """Returns the error that a client receives when the back end refuses.

    `code` is used if the back end's code is not one of the server's, and `message` if the back end sent none.
    """
    known = _CODES.get(refusal.code, code)
    return ChatError(known, refusal.message[:MESSAGE_MAX_LENGTH] or message, cause="application")
