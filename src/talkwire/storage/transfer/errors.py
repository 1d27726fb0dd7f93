"""The errors of a move; their tree is in `talkwire.storage.transfer`. Their texts are for the operator."""

from __future__ import annotations

from collections.abc import Mapping


class MovingError(Exception):
    """A move failed. The text says in one line what is wrong."""


class SourceError(MovingError):
    """The source cannot be moved in its present state."""


class TargetError(MovingError):
    """The target cannot take the data."""


class RowError(MovingError):
    """One row cannot be stored."""

    def __init__(self, table: str, key: Mapping[str, object], reason: str) -> None:
        named = ", ".join(f"{name} {value!r}" for name, value in key.items())
        super().__init__(f"the row of {table} with {named} cannot be moved: {reason}")
        self.table = table
        self.key = key


class MismatchError(MovingError):
    """What arrived differs from what was sent."""


class ArchiveError(MovingError):
    """The file is not a backup, or not complete."""
