"""The route `/api/v1/sync`: a client loads its current state, or the events since its last cursor."""

from __future__ import annotations

from typing import Annotated

from litestar.params import FromQuery, QueryParameter

from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.operation_routes import Limit, routes_of
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.dialects.messenger.sync import messenger_sync_payload
from talkwire.operations.sync import OPERATIONS
from talkwire.payloads.sync import SyncPayload

WithPresence = Annotated[
    bool, QueryParameter(description="With `after`, also the presence of the user and their contacts now")
]


async def sync(
    caller: GivenCaller,
    chat: GivenChat,
    after: FromQuery[str | None] = None,
    limit: Limit = 100,
    presence: WithPresence = False,  # noqa: FBT002 (a query parameter)
) -> SyncPayload:
    if after is None:
        return messenger_sync_payload(await chat.execute(caller.actor, GetSyncState(limit)))
    return messenger_sync_payload(await chat.execute(caller.actor, ListEvents(after, limit, presence)))


sync_routes = routes_of(OPERATIONS, handlers={"GET /sync": sync})
