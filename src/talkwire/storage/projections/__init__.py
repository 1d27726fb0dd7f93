"""What each event does to the tables: the only place that changes them. One module a feature.

A conversation's newest position is moved for every event that concerns it, in `transaction.BatchTransaction.record`.
"""

from types import MappingProxyType

from talkwire.storage.projections import conversations, invitations, messages, offers, preferences, users
from talkwire.storage.projections.projection import Projections

PROJECTIONS: Projections = MappingProxyType(
    {
        **users.PROJECTIONS,
        **preferences.PROJECTIONS,
        **invitations.PROJECTIONS,
        **conversations.PROJECTIONS,
        **messages.PROJECTIONS,
        **offers.PROJECTIONS,
    }
)
"""Of all features: a row for each durable event."""
