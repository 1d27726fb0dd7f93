"""An index of cached users with a limited history: members who do not see a conversation from its beginning.

In some conversations these are all members, so delivery uses this index only for events that members may see
differently (`audience.depends_on_history`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from talkwire.core.domain.events import Durable, MemberAdded, MembershipGroundsChanged
from talkwire.core.domain.model import WHOLE, HistoryStart

_NOBODY: Mapping[str, HistoryStart] = MappingProxyType({})


class LimitedHistoryIndex:
    """Maps conversation ids to the cached members who do not see the conversation from its beginning, each with the
    point from which they see it.

    Members who have left stay in the index while they are cached, because events from before they left may still be
    being delivered to them.
    """

    def __init__(self) -> None:
        self._histories: dict[str, dict[str, HistoryStart]] = {}

    def of(self, conversation_id: str) -> Mapping[str, HistoryStart]:
        """Returns the cached members of a conversation who do not see it from its beginning: user id -> the point from
        which they see it."""
        return self._histories.get(conversation_id, _NOBODY)

    def add(self, user_id: str, histories: Mapping[str, HistoryStart]) -> None:
        """Adds a user who is now cached. `histories` maps conversation ids to the point from which the user sees each
        conversation."""
        for conversation_id, history in histories.items():
            self._histories.setdefault(conversation_id, {})[user_id] = history

    def remove(self, user_id: str, histories: Mapping[str, HistoryStart]) -> None:
        """Removes a user who is no longer cached from the conversations in `histories`."""
        for conversation_id in histories:
            self._discard(conversation_id, user_id)

    def apply(self, event: Durable, is_cached: Callable[[str], bool]) -> None:
        """Updates the index with a committed event: members who were added to a conversation, or see
        more or less of it than before. `is_cached` returns
        whether the directory has the user with this id in memory; the index has no other users."""
        match event:
            case MemberAdded(members=members):
                pass
            case MembershipGroundsChanged(member=member):
                members = (member,)
            case _:
                return
        for member in members:
            if member.history == WHOLE:
                self._discard(member.conversation_id, member.user_id)
            elif is_cached(member.user_id):
                self.add(member.user_id, {member.conversation_id: member.history})

    def _discard(self, conversation_id: str, user_id: str) -> None:
        histories = self._histories.get(conversation_id)
        if histories is not None:
            histories.pop(user_id, None)
            if not histories:
                del self._histories[conversation_id]
