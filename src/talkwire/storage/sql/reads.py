"""The base of everything that only needs a connection."""

from __future__ import annotations

from sqlalchemy import Connection


class Reads:
    """Reads over one connection, in the transaction that it is in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
