"""The nodes of one log, by the table of their leases."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.access import must_operate
from talkwire.core.commands.nodes import ListPeers
from talkwire.core.handler import Upkeeps
from talkwire.core.model import Actor
from talkwire.core.peers import Peer
from talkwire.core.transaction import LeaseTransaction


def list_peers(tx: LeaseTransaction, actor: Actor, command: ListPeers) -> tuple[Peer, ...]:
    must_operate(actor)
    return tuple(tx.nodes.living(tx.now_ms))


UPKEEP: Upkeeps = MappingProxyType({ListPeers: list_peers})
