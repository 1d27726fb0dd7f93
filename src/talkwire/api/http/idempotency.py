"""The header `Idempotency-Key`: a POST request that the client sends again with the same key is executed once.

A route supports the header by passing the key to the command (see `core/features/catching_up/idempotency.py`):

    @post("/")
    async def create_thing(data: JSONBody[NewThing], caller: GivenCaller, chat: GivenChat, key: GivenKey) -> Thing:
        return thing(await chat.execute(caller.actor, CreateThing(data.name), key))

The server stores the command's result and returns it again for a retry. Queries that a route executes after the command
are executed again. The command must be built from the request alone, without random or current values.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import HeaderParameter

from talkwire.api.http.dependencies import GivenCaller
from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.features.catching_up.idempotency import IDEMPOTENCY_KEY_MAX_LENGTH

GivenKey = NamedDependency[IdempotencyKey | None]

_Header = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=IDEMPOTENCY_KEY_MAX_LENGTH,
        description="A request that is repeated with the same key within 24 hours is executed once",
    ),
]


async def provide_key(
    request: Request[Any, Any, Any], caller: GivenCaller, idempotency_key: _Header = None
) -> IdempotencyKey | None:
    """Provides the dependency `key` of routes: the request's idempotency key, which is unique for the user, the method
    and the path; None if the request has no header `Idempotency-Key`."""
    if idempotency_key is None:
        return None
    return IdempotencyKey(caller.actor.user_id, f"{request.method} {request.url.path.rstrip('/')}", idempotency_key)
