"""The type of projections: functions that apply an event of the log to the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from talkwire.core.domain.events import Durable
from talkwire.storage.workspace import Workspace

Projections = Mapping[type[Durable], Callable[[Workspace, Any], None]]

JointProjections = Mapping[type[Durable], Callable[[Workspace, Sequence[Any]], None]]
"""Functions that apply several events of one type together, with a few statements, by the type of the event."""


def nothing(workspace: Workspace, event: Durable) -> None:
    """Does nothing. It is the projection of events whose rows are written elsewhere: rows of logins contain a token's
    hash, which events do not (`put_login`, `drop_login`), and `PendingNotifications` stores notifications.
    """
