"""Joins the projections of all table modules: for each type of event, the function that applies the event to the
tables. Notifications and the audit log are written beside them, with the transaction of the event
(`notifying/pending.py` and `core/features/moderation/acts.py`).

The newest log position of an event's conversation is updated separately, in `transaction.BatchTransaction.record`.
"""

from __future__ import annotations

from types import MappingProxyType

from talkwire.storage.messages import changes, ratings, receipts, saved, turns
from talkwire.storage.notifying import notifications
from talkwire.storage.tables import (
    accounts,
    conversations,
    erasures,
    invitations,
    members,
    offers,
    users,
    webhooks,
)
from talkwire.storage.tables.desk import teams
from talkwire.storage.tables.moderation import reports, restrictions
from talkwire.storage.tables.projection import Projections

PROJECTIONS: Projections = MappingProxyType(
    {
        **users.PROJECTIONS,
        **accounts.PROJECTIONS,
        **erasures.PROJECTIONS,
        **conversations.PROJECTIONS,
        **members.PROJECTIONS,
        **teams.PROJECTIONS,
        **restrictions.PROJECTIONS,
        **reports.PROJECTIONS,
        **invitations.PROJECTIONS,
        **webhooks.PROJECTIONS,
        **offers.PROJECTIONS,
        **saved.PROJECTIONS,
        **ratings.PROJECTIONS,
        **turns.PROJECTIONS,
        **changes.PROJECTIONS,
        **receipts.PROJECTIONS,
        **notifications.PROJECTIONS,
    }
)
"""Functions that apply durable events to the tables, by the type of the event."""
