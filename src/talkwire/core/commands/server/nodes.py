"""Queries of a node about the other nodes."""

from __future__ import annotations

from talkwire.core.commands.command import NodeCommand
from talkwire.core.domain.peer import Peer


class ListPeers(NodeCommand[tuple[Peer, ...]], frozen=True, tag="ListPeers"):
    """Lists the living nodes now, including nodes that have started since this node renewed its lease."""
