"""The errors of a move (copy, backup or restore); the docstring of `talkwire.storage.transfer` shows their hierarchy.
Their texts are for the operator."""

from __future__ import annotations

from collections.abc import Mapping


class MovingError(Exception):
    """A copy, backup or restore failed. The text says in one line what is wrong."""


class SourceError(MovingError):
    """The source database of a copy or backup cannot be moved in its present state."""


class TargetError(MovingError):
    """The target database of a copy or restore cannot take the data: it is not empty, or in use."""


class RowError(MovingError):
    """One row cannot be written to the target or the backup. `table` and `key` (column -> value) name the row."""

    def __init__(self, table: str, key: Mapping[str, object], reason: str) -> None:
        named = ", ".join(f"{name} {value!r}" for name, value in key.items())
        super().__init__(f"the row of {table} with {named} cannot be moved: {reason}")
        self.table = table
        self.key = key


class MismatchError(MovingError):
    """The rows in the target differ from the rows that were sent, so the target must not be used."""


class ArchiveError(MovingError):
    """The file is not a backup, or the backup is damaged or incomplete."""
