"""Decides which users an event concerns, and which version of the event each user may see.

Live delivery, recovery of broken connections, sync and the database columns by which events are found all use these
functions, so that what is sent live and what is sent later cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, get_args

from msgspec.structs import replace

from talkwire.core.domain.access import may_see_offer, message_for_reader
from talkwire.core.domain.events import (
    Durable,
    Event,
    MessageEvent,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    OfferCreated,
    OfferUpdated,
)
from talkwire.core.domain.model import WHOLE, HistoryStart


@dataclass(frozen=True, slots=True)
class Audience:
    """The recipients of an event: all members of a conversation, one user, or, if neither id is set, only the server
    itself. At most one id is set."""

    conversation_id: str | None = None
    user_id: str | None = None


NOBODY = Audience()


class Members(NamedTuple):
    """A selection of a conversation's members: the users in `only` (None: all members) except the users in
    `without`."""

    only: Collection[str] | None = None
    without: Collection[str] = ()

    def has(self, user_id: str) -> bool:
        return user_id not in self.without and (self.only is None or user_id in self.only)


ALL_MEMBERS = Members()


def audience_of(event: Durable) -> Audience:
    """Returns the recipients of an event. Members of a conversation may still receive another version of it, or none
    (`event_for_reader`).

    A changed name or picture also reaches the user's contacts: live, in recovery and in sync. Other users see it with
    messages and members.
    """
    reach = event.reach
    return Audience(reach.members_of(event), reach.user(event))


def event_for_reader(event: Durable, user_id: str, history: HistoryStart, *, sees_reads: bool = True) -> Durable | None:
    """Returns the version of a conversation's event that a member may see whose part of the conversation starts at
    `history`, or None if the member may not see the event.

    A user who has blocked the member withholds read and delivery receipts from them. A member who does not share read
    receipts (`sees_reads` false) sees only their own, and nobody else sees those of that member.
    """
    match event:
        case MessagesRead() if user_id != event.user_id and (event.private or not sees_reads):
            return None
        case MessageEvent(message=message):
            seen = message_for_reader(message, history)
            if seen is None or seen is message:
                return None if seen is None else event
            return replace(event, message=seen)
        case OfferCreated(offer=offer) | OfferUpdated(offer=offer):
            return event if may_see_offer(offer.id, history) else None
        case MessagesRead(withheld=withheld) | MessagesDelivered(withheld=withheld) if user_id in withheld:
            return None
        case MessagesRead(authors=authors) if authors is not None:
            return event if user_id == event.user_id or user_id in authors else None
        case _:
            return event


def event_for_user(
    event: Durable, user_id: str, histories: Mapping[str, HistoryStart], *, sees_reads: bool = True
) -> Durable | None:
    """Returns the version of an event that a user may see, or None if the user may not see it.

    `histories` maps ids of conversations that the user does not see from the start to where the user's part starts.
    """
    history = histories.get(audience_of(event).conversation_id or "", WHOLE)
    return event_for_reader(event, user_id, history, sees_reads=sees_reads)


def events_for_user(found: Iterable[tuple[Durable, HistoryStart]], user_id: str) -> Iterator[Durable]:
    """Yields the versions of events that a user may see. Each event in `found` comes with where the user's part of its
    conversation starts; events that the user may not see are left out."""
    for event, history in found:
        seen = event_for_reader(event, user_id, history)
        if seen is not None:
            yield seen


def versions_of(
    event: Durable,
    histories: Callable[[], Mapping[str, HistoryStart]],
    blind_ids: Callable[[], Collection[str]] = tuple,
) -> Iterator[tuple[Durable, Members]]:
    """Yields each version of a conversation's event with the members that receive this version. The same rules as
    `event_for_reader`, for all members at once.

    `histories` returns where the conversation starts for members who do not see all of it, by user id. `blind_ids`
    returns the members who do not see what others have read. Both are called only for events for which they matter.
    """
    match event:
        case MessagesRead():
            yield event, _members_who_see(event, blind_ids())
        case MessagesDelivered(withheld=withheld) if withheld:
            yield event, Members(without=withheld)
        case _ if not depends_on_history(event):
            yield event, ALL_MEMBERS
        case _:
            hidden, without_quote = set[str](), dict[str, Durable]()
            for user_id, history in histories().items():
                seen = event_for_reader(event, user_id, history)
                if seen is None:
                    hidden.add(user_id)
                elif seen is not event:
                    without_quote[user_id] = seen
            others = hidden | without_quote.keys()
            yield event, Members(without=others) if others else ALL_MEMBERS
            if without_quote:
                # There is only one other version: the message without its quote.
                yield next(iter(without_quote.values())), Members(without_quote.keys())


def _members_who_see(event: MessagesRead, blind_ids: Collection[str]) -> Members:
    if event.private:
        return Members({event.user_id})
    without = {*event.withheld, *blind_ids} - {event.user_id} if blind_ids else event.withheld
    if event.authors is not None:
        return Members({event.user_id, *event.authors}, without)
    return Members(without=without) if without else ALL_MEMBERS


def depends_on_history(event: Durable) -> bool:
    """Returns whether members may see different versions of an event because they joined at different times.

    Every member that receives a new message may see it. Only a message that it quotes may be older than what a member
    sees.
    """
    if isinstance(event, MessageSent):
        return event.message.reply_to is not None
    return isinstance(event, MessageEvent | OfferCreated | OfferUpdated)


def conversation_of(event: Durable) -> str | None:
    """Returns the id of the conversation that an event is about, or None for an event about a user or several
    conversations.

    `audience_of` names a conversation only if all its members receive the event; this function also names one if only a
    single member receives it.
    """
    return event.reach.about(event) or None


def actor_of(event: Event) -> str | None:
    """Returns the id of the user that an event is attributed to, or None if that is the application's backend or the
    server itself, or was not recorded."""
    return event.reach.actor(event) or None


IN_CONVERSATIONS_OF_ONE_USER: tuple[type[Durable], ...] = tuple(
    kind for kind in get_args(Durable) if kind.reach.about is not kind.reach.members_of
)
"""The events about a conversation whose audience is not the conversation's members."""
