"""The commands with which the server removes what is left of erased users, in small steps."""

from __future__ import annotations

from typing import Literal

import msgspec

from talkwire.core.commands.command import Change, Query

Stage = Literal["texts", "log", "bytes"]
"""Stage of an erasure, by what it cleans: the user's messages, reactions and offers; then the log and the other tables;
then what the database's files still hold of deleted rows, and the bytes of files."""


class PendingErasure(msgspec.Struct, frozen=True):
    """An erased user whose data is not completely removed yet. `stage` is the kind of data that is being removed, up to
    the log position `after_pos` so far. `redact`: the user's messages are removed too."""

    user_id: str
    redact: bool
    stage: Stage
    after_pos: int


class LogRow(msgspec.Struct, frozen=True):
    """The new content of the event at the log position `pos`: its JSON without the texts of an erased user."""

    pos: int
    data: str | None


class ErasureStep(msgspec.Struct, frozen=True):
    """A limited number of rows from which an erased user's data is to be removed: those up to the log position
    `until_pos`. With `is_last`, nothing of this stage of the erasure is left after the step."""

    erasure: PendingErasure
    until_pos: int
    is_last: bool
    message_ids: tuple[int, ...] = ()
    """Messages of the user, and copies of them that others have forwarded."""
    reacted_ids: tuple[int, ...] = ()
    """Messages to which the user reacted."""
    offer_ids: tuple[int, ...] = ()
    log_rows: tuple[LogRow, ...] = ()


class FindErasureStep(Query["ErasureStep | None"], frozen=True, tag="FindErasureStep"):
    """Returns the next step of removing an erased user's data, or None if no erasure is pending. Only for operators."""


class TakeErasureStep(Change[bool], frozen=True, tag="TakeErasureStep"):
    """Internal, with an operator as the actor: carries out one step of removing an erased user's data, as found by
    `FindErasureStep`. Returns False, and does nothing, if another node has done it."""

    step: ErasureStep


class EndErasure(Change[None], frozen=True, tag="EndErasure"):
    """Records that the last step of removing an erased user's data is done, so that `FindErasureStep` no longer finds
    it. Only for operators."""

    user_id: str


class IsErased(Query[bool], frozen=True, tag="IsErased"):
    """Returns whether a user was erased and the last step of removing the user's data is done. Only for operators."""

    user_id: str
