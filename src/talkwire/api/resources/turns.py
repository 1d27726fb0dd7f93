"""Routes of turns, the pieces of agents' work."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from litestar import Request
from litestar.params import JSONBody

from talkwire.api.http.bodies import Body
from talkwire.api.http.caller import end_of
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.disconnect import until_disconnect
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.agents.turns import ClaimTurns
from talkwire.operations.agents import turns
from talkwire.operations.shapes import Shape, given_type, parts_of, values_of
from talkwire.payloads.agents.turns import ClaimedTurnsPayload, claimed_turns_payload

_CLAIM = next(each for each in turns.OPERATIONS if each.command is ClaimTurns)
_GIVEN = given_type(
    _CLAIM.body or Shape("ClaimTurnsBody"), Body, __name__, parts_of(ClaimTurns, _CLAIM.without, _CLAIM.members)
)
_BODY: Any = JSONBody
ClaimTurnsBody: Any = _BODY[_GIVEN.type | None]


async def claim_turns(
    caller: GivenCaller, chat: GivenChat, request: Request[Any, Any, Any], data: ClaimTurnsBody = None
) -> ClaimedTurnsPayload:
    """Claims turns. If the client disconnects while it waits, nothing is claimed."""
    command = ClaimTurns() if data is None else ClaimTurns(**values_of(data, _GIVEN.parts))
    claiming = asyncio.ensure_future(chat.execute(caller.actor, command))
    loop = asyncio.get_running_loop()

    def end() -> None:
        claiming.cancel()

    async with AsyncExitStack() as closing:
        closing.callback(end)
        if command.wait:
            closing.callback(loop.call_at(min(end_of(caller), loop.time() + command.wait + 60), end).cancel)
            await closing.enter_async_context(until_disconnect(request.receive, end))
        try:
            return claimed_turns_payload(await claiming)
        except asyncio.CancelledError:
            if claiming.cancelled():  # the client has gone, or its token has expired
                return ClaimedTurnsPayload(())
            raise


turn_routes = routes_of(turns.OPERATIONS, handlers={"POST /turns/claim": claim_turns})
