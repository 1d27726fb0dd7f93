"""The command that checks whether a user's data may be exported. The export reads from a snapshot of its own."""

from __future__ import annotations

from talkwire.core.commands.command import Query
from talkwire.core.domain.model import User


class CheckExport(Query[User], frozen=True, tag="CheckExport"):
    """Returns the user whose data the actor may export: the actor, or any user for the backend and admins."""

    user_id: str
