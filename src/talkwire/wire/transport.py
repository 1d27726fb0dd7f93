"""The two transports of Engine.IO, by the names that clients put into `?transport=`."""

from __future__ import annotations

from enum import Enum


class Transport(Enum):
    """How a session's packets travel."""

    POLLING = "polling"
    WEBSOCKET = "websocket"
