"""The two transports of Engine.IO, by the names that clients put into `?transport=`."""

from __future__ import annotations

from enum import Enum


class Transport(Enum):
    """The ways in which the packets of an Engine.IO session travel: long polling (HTTP requests) or a WebSocket."""

    POLLING = "polling"
    WEBSOCKET = "websocket"
