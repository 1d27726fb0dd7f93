"""Decides which users an event concerns, and which version of the event each user may see.

Live delivery, recovery of broken connections, sync and the database columns by which events are found all use these
functions, so that what is sent live and what is sent later cannot differ. Live delivery leaves them out only for a new
message that quotes none, which all members see alike.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, get_args

from msgspec.structs import replace

from talkwire.core.domain.access import may_see_offer, message_for_reader
from talkwire.core.domain.events import (
    CardActed,
    DeskConversationChanged,
    Durable,
    Event,
    MemberAdded,
    MemberRemoved,
    MembershipGroundsChanged,
    MembersListed,
    MessageEvent,
    MessageRated,
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
    """Returns the recipients of an event. A recipient may still receive another version of the event, or none
    (`event_for_reader`).

    UserUpdated (a changed name or picture) also reaches the user's contacts, which the result does not say.
    """
    reach = event.reach
    return Audience(reach.members_of(event), reach.user(event))


_WHOLE: Mapping[str, HistoryStart] = MappingProxyType({})


class Reader(NamedTuple):
    """A user, with everything that decides which version of a conversation's event the user may see.

    `histories` maps ids of conversations that the user does not see from the start to where the user's part starts. A
    user with `sees_reads` false does not share read receipts, and sees only their own.

    `staffed_ids` are the conversations of which the user is a member through a team: there the user sees who else is.

    `blocker_ids` are users who have blocked the user: the user does not see their read and delivery receipts. Live
    events list the users from whom they are hidden in `withheld` and need no `blocker_ids`; events from the log do.
    """

    user_id: str
    histories: Mapping[str, HistoryStart] = _WHOLE
    sees_reads: bool = True
    blocker_ids: Collection[str] = ()
    staffed_ids: Collection[str] = ()


def event_for_reader(event: Durable, reader: Reader) -> Durable | None:
    """Returns the version of an event that a reader in its audience may see, or None if the reader may not see it.

    A member who does not share read receipts sees no read receipts of others, and others see none of this member.
    """
    user_id = reader.user_id
    match event:
        case MessagesRead() if user_id != event.user_id and (event.private or not reader.sees_reads):
            return None
        case MessagesRead() | MessagesDelivered() if user_id in event.withheld or event.user_id in reader.blocker_ids:
            return None
        case MessagesRead(authors=authors) if authors is not None:
            return event if user_id == event.user_id or user_id in authors else None
        case MemberAdded() | MemberRemoved() | MembershipGroundsChanged():
            return event if is_staff(event, reader) else for_customers(event)
        case MembersListed(user_ids=user_ids):
            return event if user_id in user_ids else None
        case DeskConversationChanged(conversation_id=conversation_id):
            return event if conversation_id in reader.staffed_ids else None
        case CardActed() if user_id != event.user_id:
            return None
        case MessageRated():
            return _rating_for(event, user_id, reader.histories.get(event.message.conversation_id, WHOLE))
        case _ if reader.histories:
            return _from_history(event, reader.histories.get(event.reach.members_of(event) or "", WHOLE))
        case _:
            return event


def _rating_for(event: MessageRated, user_id: str, history: HistoryStart) -> Durable | None:
    """Returns the version of a rating that a user may see whose part of the conversation starts at `history`: the whole
    for the agent and its owner, without the sums for the user who rated, and None for others."""
    if user_id in {event.message.sender_id, event.owner_id}:
        return _from_history(event, history)
    return _from_history(replace(event, up=None, down=None), history) if user_id == event.user_id else None


OfMembership = MemberAdded | MemberRemoved | MembershipGroundsChanged

DependsOnTeams = OfMembership | DeskConversationChanged
"""Event that members of teams see in another version than others, or alone."""


def is_staff(event: OfMembership, reader: Reader) -> bool:
    """Returns whether a reader sees who is a member through which team in the event's conversation: a user who is there
    through a team, or whom the event concerns."""
    return reader.user_id == _concerned(event) or event.reach.about(event) in reader.staffed_ids


def _concerned(event: OfMembership) -> str | None:
    """Returns the id of the user whose membership changed or ended; None for new members, who are there."""
    if isinstance(event, MemberAdded):
        return None
    return event.user_id if isinstance(event, MemberRemoved) else event.member.user_id


def for_customers(event: OfMembership) -> Durable | None:
    """Returns the version of an event for members who do not see the teams' members: without them, and None if it is
    about nobody else."""
    match event:
        case MemberAdded():
            return None if event.of_teams else event
        case MemberRemoved(own=own, via=via):
            return (replace(event, via=()) if via else event) if own else None
        case MembershipGroundsChanged(member=member, was_own=was_own):
            if member.own == was_own:
                return None
            id_, by = member.conversation_id, event.by
            if was_own:
                return MemberRemoved(event.pos, event.at_ms, id_, member.user_id, by, by_backend=not by)
            shown = replace(member, via=(), own_history_seq=None, own_history_pos=None)
            return MemberAdded(event.pos, event.at_ms, id_, (shown,), by)


def _from_history(event: Durable, history: HistoryStart) -> Durable | None:
    """Returns the version of an event for a member whose part of the conversation starts at `history`: None if the
    event carries an earlier message or offer, a message without its quote if only the quoted message is earlier."""
    match event:
        case MessageEvent(message=message):
            seen = message_for_reader(message, history)
            if seen is None or seen is message:
                return None if seen is None else event
            return replace(event, message=seen)
        case OfferCreated(offer=offer) | OfferUpdated(offer=offer):
            return event if may_see_offer(offer.id, history) else None
        case _:
            return event


def events_for_reader(events: Iterable[Durable], reader: Reader) -> Iterator[Durable]:
    """Yields the versions of events that a reader may see, without the events that the reader may not see."""
    for event in events:
        seen = event_for_reader(event, reader)
        if seen is not None:
            yield seen


def versions_of(
    event: Durable,
    histories: Callable[[], Mapping[str, HistoryStart]],
    blind_ids: Callable[[], Collection[str]] = tuple,
    staff_ids: Callable[[], Collection[str]] = tuple,
) -> Iterator[tuple[Durable, Members]]:
    """Yields each version of a conversation's event with the members that receive this version. Applies the rules of
    `event_for_reader` to all members at once.

    `histories` returns, for members who do not see the whole conversation, user id -> where it starts for them.
    `blind_ids` returns the members who do not see what others have read, `staff_ids` those who are there through teams.
    Each is called only for events for which it matters.
    """
    match event:
        case MessagesRead():
            yield event, _members_who_see(event, blind_ids())
        case MessagesDelivered(withheld=withheld) if withheld:
            yield event, Members(without=withheld)
        case MemberAdded() | MemberRemoved() | MembershipGroundsChanged():
            yield from _of_membership(event, staff_ids)
        case MembersListed() | DeskConversationChanged():
            yield event, Members(event.user_ids if isinstance(event, MembersListed) else staff_ids())
        case CardActed(user_id=user_id):
            yield event, Members({user_id})
        case MessageRated():
            yield from _of_rating(event, histories())
        case _ if not depends_on_history(event):
            yield event, ALL_MEMBERS
        case _:
            yield from _by_history(event, histories())


def _by_history(event: Durable, histories: Mapping[str, HistoryStart]) -> Iterator[tuple[Durable, Members]]:
    hidden, without_quote = set[str](), dict[str, Durable]()
    for user_id, history in histories.items():
        seen = _from_history(event, history)
        if seen is None:
            hidden.add(user_id)
        elif seen is not event:
            without_quote[user_id] = seen
    others = hidden | without_quote.keys()
    yield event, Members(without=others) if others else ALL_MEMBERS
    if without_quote:
        # There is only one other version: the message without its quote.
        yield next(iter(without_quote.values())), Members(without_quote.keys())


def _of_membership(event: OfMembership, staff_ids: Callable[[], Collection[str]]) -> Iterator[tuple[Durable, Members]]:
    for_others = for_customers(event)
    if for_others is event:
        yield event, ALL_MEMBERS
        return
    concerned = _concerned(event)
    staff = {*staff_ids()} if concerned is None else {*staff_ids(), concerned}
    yield event, Members(staff)
    if for_others is not None:
        yield for_others, Members(without=staff)


def _of_rating(event: MessageRated, histories: Mapping[str, HistoryStart]) -> Iterator[tuple[Durable, Members]]:
    for user_id in {event.user_id: None, event.message.sender_id: None, event.owner_id or event.user_id: None}:
        seen = _rating_for(event, user_id, histories.get(user_id, WHOLE))
        if seen is not None:
            yield seen, Members({user_id})


def _members_who_see(event: MessagesRead, blind_ids: Collection[str]) -> Members:
    if event.private:
        return Members({event.user_id})
    without = {*event.withheld, *blind_ids} - {event.user_id} if blind_ids else event.withheld
    if event.authors is not None:
        return Members({event.user_id, *event.authors}, without)
    return Members(without=without) if without else ALL_MEMBERS


def depends_on_history(event: Durable) -> bool:
    """Returns whether members may see different versions of an event, or not see it, because they joined at different
    times.

    For a new message that is so only if it quotes another one: all members may see the message itself.
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
    """Returns the id of the user who caused an event or to whom it happened (`EventReach.actor`). None: the
    application's backend or the server caused it, or that was not recorded."""
    return event.reach.actor(event) or None


IN_CONVERSATIONS_OF_ONE_USER: tuple[type[Durable], ...] = tuple(
    kind for kind in get_args(Durable) if kind.reach.about is not kind.reach.members_of
)
"""Types of the events about a conversation whose audience is not the conversation's members."""
