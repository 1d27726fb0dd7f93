"""Lists the running nodes (server processes that share the database), from the table of their leases."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.server.nodes import ListPeers
from talkwire.core.domain.access import must_be_operator
from talkwire.core.domain.model import Actor
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.ports.handler import NodeCommandHandlers
from talkwire.core.ports.transaction import LeaseTransaction


def list_peers(tx: LeaseTransaction, actor: Actor, command: ListPeers) -> tuple[Peer, ...]:
    must_be_operator(actor)
    return tuple(tx.nodes.list_alive(tx.now_ms))


NODE_COMMANDS: NodeCommandHandlers = MappingProxyType({ListPeers: list_peers})
