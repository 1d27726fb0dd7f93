"""Resolves the event names that an application passes to observers: those of the messenger dialect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from talkwire.core.domain.errors import did_you_mean
from talkwire.core.domain.events import CustomEvent, Event
from talkwire.dialects.messenger import MESSENGER


def events_named(what: Iterable[str | type]) -> Collection[type]:
    """Returns the event classes for names of the messenger dialect (such as `message:new`) or event classes themselves.

    Raises ValueError for a name or class that stands for no event.
    """
    named = _events_by_name()
    found: dict[type, None] = {}
    for each in what:
        types = {each} if isinstance(each, type) and each in _EVENTS else named.get(each, ())
        if not types:
            raise ValueError(f"{each!r} is not an event{did_you_mean(str(each), map(str, named))}")
        found.update(dict.fromkeys(types))
    return found.keys()


_EVENTS = frozenset({*MESSENGER.outbound, *MESSENGER.silent, CustomEvent})


def _events_by_name() -> Mapping[str | type, Collection[type[Event]]]:
    named: dict[str | type, set[type[Event]]] = defaultdict(set)
    for event_type, packets in MESSENGER.outbound.items():
        for packet in packets:
            named[packet.name].add(event_type)
    return named
