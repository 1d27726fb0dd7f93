"""The route `/api/v1/sync`: a client loads its current state, or the events since its last cursor."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.status_codes import HTTP_410_GONE

from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.resources.conversations import Limit
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.dialects.messenger.sync import messenger_sync_payload
from talkwire.payloads.sync import SyncPayload

WithPresence = Annotated[
    bool, QueryParameter(description="With `after`, also the presence of the user and their contacts now")
]


@get(
    "/api/v1/sync",
    summary="Get the caller's current state, or the events since a cursor",
    tags=["sync"],
    opt=may_refuse(HTTP_410_GONE),
)
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
