"""The base class of all classes that read tables over one database connection."""

from __future__ import annotations

from sqlalchemy import Connection


class Reads:
    """A base class of classes that read tables over the connection `_connection`, in the transaction that is open on
    it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
