"""Brings the index of conversations by keys of their metadata up to date when the setting `conversation_keys` has
changed, in small steps, so that sending is hardly delayed."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.server.conversation_keys import IndexConversationKeys
from talkwire.core.domain.access import must_be_operator
from talkwire.core.domain.model import Actor
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

INDEXED_AT_ONCE = 200
"""Number of conversations that one transaction indexes; that takes a few milliseconds."""


def index_conversation_keys(tx: Transaction, actor: Actor, command: IndexConversationKeys) -> bool:
    """Removes a part of what is indexed by keys that are not set any more, if the command says so, or indexes some
    conversations. Returns whether there is more to do."""
    must_be_operator(actor)
    keys = tx.policy.conversation_keys
    if command.drops_others and tx.conversation_keys.drop_others(keys, INDEXED_AT_ONCE):
        return True
    return tx.conversation_keys.index_more(keys, INDEXED_AT_ONCE, tx.now_ms)


CHANGES: Changes = MappingProxyType({IndexConversationKeys: ChangeHandler(index_conversation_keys)})
