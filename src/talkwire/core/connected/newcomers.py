"""Those of the users known here who do not see all of a conversation, since its history begins with joining.

A conversation whose history begins with joining may consist of them, so delivery goes through them only for events of
which not all members may see the same (`audience.depends_on_history`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from talkwire.core.domain.events import Durable, MemberAdded
from talkwire.core.domain.model import WHOLE, HistoryStart

_NOBODY: Mapping[str, HistoryStart] = MappingProxyType({})


class LimitedHistoryIndex:
    """By conversation id. A member who has left stays in it until they are forgotten or come back: events from before
    they left may still be on their way to them."""

    def __init__(self) -> None:
        self._histories: dict[str, dict[str, HistoryStart]] = {}

    def of(self, conversation_id: str) -> Mapping[str, HistoryStart]:
        """Returns user id -> history."""
        return self._histories.get(conversation_id, _NOBODY)

    def add(self, user_id: str, histories: Mapping[str, HistoryStart]) -> None:
        """A user is known from now on, with these histories by conversation."""
        for conversation_id, history in histories.items():
            self._histories.setdefault(conversation_id, {})[user_id] = history

    def remove(self, user_id: str, histories: Mapping[str, HistoryStart]) -> None:
        """A user is not known any more."""
        for conversation_id in histories:
            self._discard(conversation_id, user_id)

    def apply(self, event: Durable, is_known: Callable[[str], bool]) -> None:
        """Follows the log."""
        if not isinstance(event, MemberAdded):
            return
        for member in event.members:
            if member.history == WHOLE:
                self._discard(event.conversation_id, member.user_id)
            elif is_known(member.user_id):
                self.add(member.user_id, {event.conversation_id: member.history})

    def _discard(self, conversation_id: str, user_id: str) -> None:
        histories = self._histories.get(conversation_id)
        if histories is not None:
            histories.pop(user_id, None)
            if not histories:
                del self._histories[conversation_id]
