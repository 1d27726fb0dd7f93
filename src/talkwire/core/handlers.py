"""Which function carries out which command: the tables of all features, behind `Chat.execute`."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core import accounts, conversations, messages
from talkwire.core.handler import Changes, Queries

CHANGES: Changes = MappingProxyType({**accounts.CHANGES, **conversations.CHANGES, **messages.CHANGES})

QUERIES: Queries = MappingProxyType({**accounts.QUERIES, **conversations.QUERIES, **messages.QUERIES})
