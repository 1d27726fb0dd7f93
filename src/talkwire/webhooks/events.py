"""Reads events for one webhook endpoint from the log, the ordered list of committed events.

It also decides which events must be delivered in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from talkwire.core.commands.sync import LogFilter
from talkwire.core.domain.audience import audience_of, conversation_of
from talkwire.core.domain.events import (
    ACCOUNT_EVENTS,
    CONTACT_EVENTS,
    Durable,
    NotificationsRead,
    PreferencesChanged,
    UserCreated,
)
from talkwire.core.domain.integration.webhooks import Webhook
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.dialects.messenger.log_events import LOG_EVENT_NAMES, log_event_payloads, log_types_named
from talkwire.storage.followers.webhook_progress import LogPart, WebhookStore
from talkwire.webhooks.queue import QueuedEvent

EVENTS_AT_ONCE = 128
"""Number of events that are read at once."""

_CONVERSATION = "c/"
_USER = "u/"

ABOUT_USERS = frozenset(
    kind.__name__ for kind in (*ACCOUNT_EVENTS, *CONTACT_EVENTS, PreferencesChanged, NotificationsRead)
)
"""Types of the events that are about no conversation."""


def ordering_key(event: Durable) -> str:
    """Returns the key of an event: its conversation, else the user that it is about. Events with the same key are
    delivered in order.
    """
    conversation_id = conversation_of(event)
    if conversation_id is not None:
        return _CONVERSATION + conversation_id
    user_id = audience_of(event).user_id
    if user_id is None:
        user_id = event.user.id if isinstance(event, UserCreated) else getattr(event, "user_id", "")
    return _USER + user_id


class EventPage(NamedTuple):
    """A page of events to send, read from the log (the ordered list of committed events) up to the position `reached`.

    `more`: the log continues after `reached`. `lost` is the number of positions that were removed from the log as too
    old before the endpoint received their events.
    """

    events: Sequence[QueuedEvent]
    reached: int
    more: bool
    lost: int


class EventSource:
    """Reads those events of the log that one webhook subscribes to, by event type and conversation. All methods
    block.
    """

    def __init__(self, store: WebhookStore, webhook: Webhook) -> None:
        self._store = store
        # A newer version may know more types.
        known = None if webhook.types is None else [name for name in webhook.types if name in LOG_EVENT_NAMES]
        types = None if known is None else log_types_named(known)
        ids = None if webhook.conversation_ids is None else frozenset(webhook.conversation_ids)
        self._filter = LogFilter(types, ids, webhook.final)

    def after(self, pos: int) -> EventPage:
        """Returns the first page of the webhook's events after the log position `pos`. For the next page, call it with
        `reached` of this one.
        """
        part = self._store.read(self._filter, pos, None, EVENTS_AT_ONCE)
        return _page(part, max(0, part.floor - pos))

    def of_key(self, key: str, after: int, until: int) -> EventPage:
        """Returns the first page of events of one key (a conversation or a user) after the log position `after`, up to
        and including `until`.
        """
        types, final = self._filter.types, self._filter.final
        if key.startswith(_CONVERSATION):
            wanted = LogFilter(types, frozenset({key.removeprefix(_CONVERSATION)}), final)
        else:
            wanted = LogFilter(ABOUT_USERS if types is None else types & ABOUT_USERS)
        part = self._store.read(wanted, after, until, EVENTS_AT_ONCE)
        page = _page(part, max(0, min(part.floor, until) - after))
        return page._replace(events=[event for event in page.events if event.key == key])


def _page(part: LogPart, lost: int) -> EventPage:
    payloads = {payload.id: payload for payload in log_event_payloads(part.events, part.epoch)}
    events = [
        QueuedEvent(event.pos, ordering_key(event), event.at_ms, payload)
        for event in part.events
        if (payload := payloads.get(cursor_of(part.epoch, event.pos))) is not None
    ]
    return EventPage(events, part.reached, part.reached < part.head, lost)
