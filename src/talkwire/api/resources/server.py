"""`GET /api/v1/server`: what a client has to know before anybody has signed in."""

from __future__ import annotations

import msgspec
from litestar import get

from talkwire.api.http.dependencies import GivenPolicy
from talkwire.core.domain.access_policy import Accounts


class ServerAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`accounts`: who may register with e-mail and password: anybody (`open`), those with an invitation (`invite`), or
    nobody (`off`: there are no accounts)."""

    accounts: Accounts


@get("/server", tags=["auth"], summary="Describe the server", security=[])
async def describe_server(policy: GivenPolicy) -> ServerAnswer:
    return ServerAnswer(policy.accounts)
