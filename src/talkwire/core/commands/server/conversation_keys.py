"""The command that indexes conversations by keys of their metadata."""

from __future__ import annotations

from talkwire.core.commands.command import Change


class IndexConversationKeys(Change[bool], frozen=True, tag="IndexConversationKeys"):
    """Indexes existing conversations by the keys of the setting `conversation_keys`, in a limited step. With
    `drops_others`, also removes what is indexed by other keys. Only for operators.

    Returns whether there is more to do.
    """

    drops_others: bool = False
