"""What a node asks about the other nodes."""

from __future__ import annotations

from talkwire.core.commands.command import NodeCommand
from talkwire.core.domain.peer import Peer


class ListPeers(NodeCommand[tuple[Peer, ...]], frozen=True, tag="ListPeers"):
    """The nodes that live by now: for one that has begun since the lease was renewed."""
