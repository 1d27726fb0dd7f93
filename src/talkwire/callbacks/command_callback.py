"""A hook that asks the application's back end before a command is executed."""

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
    """`{}`: execute the command. `command`: execute this one instead. `error`: refuse it."""

    command: dict[str, object] | None = None
    error: CallbackRefusal | None = None


class CommandCallback:
    """The callback of one command of the messenger dialect, to be registered as a hook (`core/engine/hooks.py`)."""

    def __init__(self, name: str, client: CallbackClient, on_failure: OnFailure) -> None:
        self._name = name
        self._client = client
        self._on_failure = on_failure

    async def __call__(self, actor: Actor, command: C) -> C | None:
        """Returns the command to execute instead, or None to execute it unchanged.

        Raises ChatError if the back end refuses it, and `unavailable` if a failing callback refuses commands.
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
    """Returns a back end's refusal as clients receive it. `code` replaces one that clients do not know, `message` an
    empty one."""
    known = _CODES.get(refusal.code, code)
    return ChatError(known, refusal.message[:MESSAGE_MAX_LENGTH] or message)
