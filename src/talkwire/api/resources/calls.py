"""The route `/api/v1/calls/ice-servers`: the STUN and TURN servers through which the devices in a call connect to each
other."""

from __future__ import annotations

import msgspec
from litestar import Router, get

from talkwire.api.description.counterparts import executes
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenIceServers
from talkwire.core.commands.preferences import GetPreferences


class IceServerAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A STUN or TURN server, in the form that the browser's `RTCPeerConnection` takes."""

    urls: str
    username: str | None = None
    credential: str | None = None


class IceServersAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The STUN and TURN servers for calls. Without any, calls work only where devices reach each other directly."""

    ice_servers: tuple[IceServerAnswer, ...]


@get("/ice-servers", summary="List the STUN and TURN servers for calls", opt=executes(GetPreferences))
async def list_ice_servers(caller: GivenCaller, chat: GivenChat, ice_servers: GivenIceServers) -> IceServersAnswer:
    # Any query refuses a banned caller; only others may learn the credentials of the TURN server.
    await chat.execute(caller.actor, GetPreferences())
    return IceServersAnswer(tuple(IceServerAnswer(*server) for server in ice_servers))


calls_router = Router("/calls", route_handlers=[list_ice_servers], tags=["calls"])
