"""Which table modules handle which events: the only place where events change the tables.

A conversation's newest position is moved for every event that concerns it, in `transaction.BatchTransaction.record`.
"""

from __future__ import annotations

from types import MappingProxyType

from talkwire.storage.messages import changes, receipts
from talkwire.storage.notifying import notifications
from talkwire.storage.tables import (
    accounts,
    conversations,
    erasures,
    invitations,
    members,
    offers,
    restrictions,
    users,
    webhooks,
)
from talkwire.storage.tables.projection import Projections

PROJECTIONS: Projections = MappingProxyType(
    {
        **users.PROJECTIONS,
        **accounts.PROJECTIONS,
        **erasures.PROJECTIONS,
        **conversations.PROJECTIONS,
        **members.PROJECTIONS,
        **restrictions.PROJECTIONS,
        **invitations.PROJECTIONS,
        **webhooks.PROJECTIONS,
        **offers.PROJECTIONS,
        **changes.PROJECTIONS,
        **receipts.PROJECTIONS,
        **notifications.PROJECTIONS,
    }
)
"""A function for each durable event."""
