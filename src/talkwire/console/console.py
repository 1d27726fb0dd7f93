"""The object that the routes of the operators' console use: data about all nodes, the database, the bus and the
settings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from talkwire.console.database import DatabaseWatch
from talkwire.console.nodes import NodesConsole
from talkwire.console.setting import ShownSetting
from talkwire.core.commands.server.console import LostNode

BusKind = Literal["none", "postgresql", "redis"]


class BusFigures(NamedTuple):
    """The state of the bus, which carries messages between nodes, as this node sees it. `away` is true while the node
    has no connection to the bus.

    The counts are since the node's start. `dropped`: messages that could not be sent, or not be decoded. `refused`:
    those that no living node of this database signed, or that came twice.
    """

    kind: BusKind
    away: bool
    sent: int
    received: int
    dropped: int
    refused: int


@dataclass(frozen=True, slots=True)
class OperatorsConsole:
    """The data for the operators' console. `nodes` collects data from all nodes. The others are about this node:
    the state of its `database`, its `settings`, and `bus()`, which returns the current state of the bus. `lost_nodes()`
    returns the nodes that died during the last day, and raises ChatError while the database is unavailable.
    """

    nodes: NodesConsole
    database: DatabaseWatch
    lost_nodes: Callable[[], Awaitable[Sequence[LostNode]]]
    bus: Callable[[], BusFigures]
    settings: tuple[ShownSetting, ...]
