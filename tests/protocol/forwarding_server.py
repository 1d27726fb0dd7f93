"""One of the examples behind a node that forwards everything: `python forwarding_server.py EXAMPLE PORT`.

Sessions are opened at PORT, for the node behind it; all requests for them are forwarded between the nodes.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
from pathlib import Path
from typing import Any

import uvloop

from talkwire.core.cluster.peers import Peers
from talkwire.core.domain.nodes.peer import Peer
from talkwire.realtime.engine.connection import Connection
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.forwarding.forwarder import Forwarder
from talkwire.realtime.forwarding.peer_auth import PeerAuth
from talkwire.realtime.forwarding.session_owners import SessionOwners
from talkwire.realtime.serving import server
from talkwire.realtime.serving.node_listener import NodeListener, address_of
from talkwire.realtime.serving.server import Server, listen, with_engine

EXAMPLES = Path(__file__).parents[2] / "examples"
OWNER_ID, FRONT_ID = "0" * 15 + "1", "0" * 15 + "2"
SECRET = b"what both share"


class Front(EngineServer):
    """Has no sessions: it opens them at the owner."""

    def __init__(self, owner: EngineServer) -> None:
        super().__init__(owner.options, path=owner.path, origins=owner.origins)
        self._owner = owner

    def make_connection(self, *_: Any) -> Connection:  # noqa: ANN401
        raise AssertionError("all sessions are the owner's")

    def open(self, *args: Any) -> Connection:  # noqa: ANN401 (handed on)
        return self._owner.open(*args)


def serve(owner: EngineServer, *, port: int) -> None:
    """In the place of `server.serve`."""
    uvloop.run(_serve(owner, port))


async def _serve(owner: EngineServer, port: int) -> None:
    owner.node_id = OWNER_ID
    internal = listen("127.0.0.1", 0)
    behind = Server(
        owner, with_engine(owner), internal=NodeListener(internal, PeerAuth(SECRET, OWNER_ID), with_engine(owner))
    )
    front = Front(owner)
    peers = Peers(FRONT_ID, lambda *_: None, lambda: False)
    peers.set_peers([Peer(OWNER_ID, address_of(internal, "127.0.0.1"))])

    async def list_living() -> list[Peer]:
        return []

    front.forwarder = Forwarder(
        SessionOwners(peers, list_living, front.now), PeerAuth(SECRET, FRONT_ID), FRONT_ID, front.metrics
    )
    await asyncio.gather(
        behind.serve(sockets=[listen("127.0.0.1", 0)]),
        Server(front, with_engine(front)).serve(sockets=[listen("127.0.0.1", port)]),
    )


if __name__ == "__main__":
    example = sys.argv.pop(1)
    server.serve = serve  # type: ignore[assignment]  # the example takes it from there
    runpy.run_path(str(EXAMPLES / example), run_name="__main__")
