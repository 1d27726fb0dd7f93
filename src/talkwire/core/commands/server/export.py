"""The command that checks whether the actor may export a user's data. The export itself reads from a database snapshot
without a command."""

from __future__ import annotations

from talkwire.core.commands.command import Query
from talkwire.core.domain.model import User


class CheckExport(Query[User], frozen=True, tag="CheckExport"):
    """Returns the user `user_id` if the actor may export that user's data. Raises `forbidden` otherwise: users export
    their own, the backend and admins anyone's. Raises `not_found` for an unknown user and `conflict` for an erased
    one."""

    user_id: str
