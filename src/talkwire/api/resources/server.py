"""`GET /api/v1/server`: properties of the server that clients need before anyone signs in."""

from __future__ import annotations

import msgspec
from litestar import get

from talkwire.api.http.dependencies import GivenPolicy
from talkwire.core.domain.access_policy import Accounts


class ServerAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`accounts`: who may register with e-mail and password: anyone (`open`), people with an invitation (`invite`), or
    no one (`off`: the server has no accounts)."""

    accounts: Accounts


@get("/server", tags=["auth"], summary="Get the server's properties", security=[])
async def describe_server(policy: GivenPolicy) -> ServerAnswer:
    return ServerAnswer(policy.accounts)
