"""The header `Idempotency-Key`: a POST that is sent again is carried out once.

A route that changes something takes it like this, and everything else follows
(`core/features/catching_up/idempotency.py`):

    @post("/")
    async def create_thing(data: JSONBody[NewThing], caller: GivenCaller, chat: GivenChat, key: GivenKey) -> Thing:
        return thing(await chat.execute(caller.actor, CreateThing(data.name), key))

The result of that one command is what is kept. A route that reads something afterwards reads it again at a retry, and
so answers how it is by then. The command must say what the request says and nothing that is made up on the way.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import HeaderParameter

from talkwire.api.http.dependencies import GivenCaller
from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.features.catching_up.idempotency import KEY_MAX_LENGTH

GivenKey = NamedDependency[IdempotencyKey | None]

_Header = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=KEY_MAX_LENGTH,
        description="A request that is sent again with the same key within 24 hours is carried out once",
    ),
]


async def provide_key(
    request: Request[Any, Any, Any], caller: GivenCaller, idempotency_key: _Header = None
) -> IdempotencyKey | None:
    """Keys are told apart by user and route: by the method and the path as it was asked for."""
    if idempotency_key is None:
        return None
    return IdempotencyKey(caller.actor.user_id, f"{request.method} {request.url.path.rstrip('/')}", idempotency_key)
