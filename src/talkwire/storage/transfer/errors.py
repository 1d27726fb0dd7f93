"""Why a move ends; the tree is in `talkwire.storage.transfer`. Texts are for who runs the program."""

from __future__ import annotations

from collections.abc import Mapping


class MovingError(Exception):
    """The text says in one line what is wrong."""


class SourceError(MovingError):
    """What is to be moved cannot be, as it is."""


class TargetError(MovingError):
    """It cannot go there."""


class RowError(MovingError):
    """One row cannot be stored."""

    def __init__(self, table: str, key: Mapping[str, object], reason: str) -> None:
        named = ", ".join(f"{name} {value!r}" for name, value in key.items())
        super().__init__(f"the row of {table} with {named} cannot be moved: {reason}")
        self.table = table
        self.key = key


class MismatchError(MovingError):
    """What arrived is not what was sent."""


class ArchiveError(MovingError):
    """The file is no backup, or not a whole one."""
