"""What users want to be notified of. What they want of one conversation is kept with their membership."""

from __future__ import annotations

from types import MappingProxyType

from sqlalchemy import delete, insert

from talkwire.core.domain.events import CallMissed, NotificationsRead, PreferencesChanged
from talkwire.storage.projections.projection import Projections, nothing
from talkwire.storage.schema import preferences
from talkwire.storage.tables.rows import to_json
from talkwire.storage.workspace import Workspace


def _changed(workspace: Workspace, event: PreferencesChanged) -> None:
    workspace.connection.execute(delete(preferences).where(preferences.c.user_id == event.user_id))
    values = {"user_id": event.user_id, "data": to_json(event.preferences)}
    workspace.connection.execute(insert(preferences), values)


PROJECTIONS: Projections = MappingProxyType(
    {PreferencesChanged: _changed, CallMissed: nothing, NotificationsRead: nothing}
)
