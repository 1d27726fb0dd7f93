"""The commands with which the server finishes the erasure of users, in steps."""

from __future__ import annotations

from typing import Literal

import msgspec

from talkwire.core.commands.command import Change, Query

Stage = Literal["texts", "log", "bytes"]
"""What is being cleaned: the user's messages, reactions and offers; then the log and the other tables; then what the
database's files still hold of deleted rows, and the bytes of files."""


class PendingErasure(msgspec.Struct, frozen=True):
    """An erased user of whom something is still stored: `stage` is done up to the log position `after_pos`."""

    user_id: str
    redact: bool
    stage: Stage
    after_pos: int


class LogRow(msgspec.Struct, frozen=True):
    """The event at a position of the log, as JSON without the erased texts."""

    pos: int
    data: str | None


class ErasureStep(msgspec.Struct, frozen=True):
    """What to clean next, up to the log position `until_pos`. `is_last`: nothing of this stage is left after it."""

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
    """Returns the next step of an erasure, or None if no erasure is pending. Only for operators."""


class TakeErasureStep(Change[bool], frozen=True, tag="TakeErasureStep"):
    """Carries out a step. Returns False, and does nothing, if another node has done it. Only for operators."""

    step: ErasureStep


class EndErasure(Change[None], frozen=True, tag="EndErasure"):
    """Records that nothing of the user is left. Only for operators."""

    user_id: str


class IsErased(Query[bool], frozen=True, tag="IsErased"):
    """Returns whether a user was erased and nothing of them is left. Only for operators."""

    user_id: str
