"""`/api/v1/sync`: loading the state of a client, and the events since."""

from __future__ import annotations

from litestar import get
from litestar.params import FromQuery
from litestar.status_codes import HTTP_410_GONE

from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.resources.conversations import Limit
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.dialects.messenger.sync import messenger_sync_payload
from talkwire.dialects.payloads.sync import SyncPayload


@get(
    "/api/v1/sync",
    summary="Get the events after a cursor, or the current state, as a user",
    tags=["sync"],
    opt=may_refuse(HTTP_410_GONE),
)
async def sync(
    caller: GivenCaller, chat: GivenChat, after: FromQuery[str | None] = None, limit: Limit = 100
) -> SyncPayload:
    if after is None:
        return messenger_sync_payload(await chat.execute(caller.actor, GetSyncState(limit)))
    return messenger_sync_payload(await chat.execute(caller.actor, ListEvents(after, limit)))
