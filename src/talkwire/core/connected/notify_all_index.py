"""An index of the cached users whose settings for a group or channel are `notify="all"`: a notification for each
message.

Such users are few, so whether a message needs a notification is usually one dictionary lookup.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from talkwire.core.domain.events import ConversationDeleted, ConversationPreferred, Durable, MemberRemoved
from talkwire.core.domain.model import MemberPreferences


class NotifyAllIndex:
    """Maps conversation ids to the cached users who want a notification for each message of the conversation
    (`notify="all"`)."""

    def __init__(self) -> None:
        self._user_ids: dict[str, set[str]] = {}

    def of(self, conversation_id: str) -> Collection[str]:
        return self._user_ids.get(conversation_id, ())

    def add(self, user_id: str, preferences: Mapping[str, MemberPreferences]) -> None:
        """Adds a user who is now cached. `preferences` has the user's notification settings by conversation id."""
        for conversation_id, wanted in preferences.items():
            if wanted.notify == "all":
                self._user_ids.setdefault(conversation_id, set()).add(user_id)

    def remove(self, user_id: str, preferences: Mapping[str, MemberPreferences]) -> None:
        """Removes a user who is no longer cached from the conversations in `preferences`."""
        for conversation_id in preferences:
            self._discard(conversation_id, user_id)

    def apply(self, event: Durable, is_cached: Callable[[str], bool]) -> None:
        """Updates the index with a committed event. `is_cached` returns whether the directory has the user with this id
        in memory; the index has no other users."""
        match event:
            case ConversationPreferred(conversation_id=conversation_id, user_id=user_id):
                if event.notify != "all":
                    self._discard(conversation_id, user_id)
                elif is_cached(user_id):
                    self._user_ids.setdefault(conversation_id, set()).add(user_id)
            case MemberRemoved(conversation_id=conversation_id, user_id=user_id):
                self._discard(conversation_id, user_id)
            case ConversationDeleted(conversation_id=conversation_id):
                self._user_ids.pop(conversation_id, None)

    def _discard(self, conversation_id: str, user_id: str) -> None:
        user_ids = self._user_ids.get(conversation_id)
        if user_ids is not None:
            user_ids.discard(user_id)
            if not user_ids:
                del self._user_ids[conversation_id]
