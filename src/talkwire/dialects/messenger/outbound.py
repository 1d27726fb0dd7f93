"""The table of all events that the server sends to clients of the messenger dialect, joined from the modules of the
features."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from talkwire.core.domain.events import Event
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.entries import uploads_outbound
from talkwire.dialects.messenger import (
    blocks,
    calls,
    conversations,
    members,
    messages,
    moderation,
    notifications,
    offers,
    preferences,
    presence,
    receipts,
    teams,
    users,
)
from talkwire.dialects.messenger.agents import turns
from talkwire.dialects.messenger.desk import claims

OUTBOUND: Mapping[type[Event], tuple[Outbound, ...]] = MappingProxyType(
    {
        **users.OUTBOUND,
        **blocks.OUTBOUND,
        **conversations.OUTBOUND,
        **members.OUTBOUND,
        **teams.OUTBOUND,
        **claims.OUTBOUND,
        **moderation.OUTBOUND,
        **messages.OUTBOUND,
        **turns.OUTBOUND,
        **receipts.OUTBOUND,
        **offers.OUTBOUND,
        **preferences.OUTBOUND,
        **notifications.OUTBOUND,
        **uploads_outbound("upload:progress"),
        **presence.OUTBOUND,
        **calls.OUTBOUND,
    }
)
