"""The object that the routes of the operators' console use: data about all nodes, the database, the bus and the
settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from talkwire.console.database import DatabaseWatch
from talkwire.console.nodes import NodesConsole
from talkwire.console.setting import ShownSetting

BusKind = Literal["none", "postgresql", "redis"]


class BusFigures(NamedTuple):
    """The state of the bus (the messages between nodes) as this node sees it, with message counts since the node's
    start.

    `away` is true while the node has no connection to the bus.
    """

    kind: BusKind
    away: bool
    sent: int
    received: int
    dropped: int
    refused: int


@dataclass(frozen=True, slots=True)
class OperatorsConsole:
    """The data for the operators' console: `nodes` asks all nodes; `database`, `bus` and `settings` are those of this
    node.
    """

    nodes: NodesConsole
    database: DatabaseWatch
    bus: Callable[[], BusFigures]
    settings: tuple[ShownSetting, ...]
