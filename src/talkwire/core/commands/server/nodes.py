"""Commands with which a node finds the other nodes of the cluster."""

from __future__ import annotations

from talkwire.core.commands.command import NodeCommand
from talkwire.core.domain.nodes.peer import Peer


class ListPeers(NodeCommand[tuple[Peer, ...]], frozen=True, tag="ListPeers"):
    """Lists the other nodes that are alive now, including nodes that have started since this node last renewed its
    lease."""
