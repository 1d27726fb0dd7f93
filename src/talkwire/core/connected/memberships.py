"""An index of which cached users are in which conversation, and whether they are contacts.

Contacts are notified of each other's presence without subscribing: the members of a direct conversation, or of a group
of at most `members_max`. Each conversation is stored once, for all of its cached members.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationUpdated,
    Durable,
    MemberAdded,
    MemberRemoved,
    MembershipGroundsChanged,
)
from talkwire.core.domain.log.announced import conversation_hash
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import ConversationKind, Member, Notify

CONTACTS_MAX = 100
"""Default of `members_max`, the most members of a group that are each other's contacts."""

_FEW = 8
"""Most members whose ids are kept in a tuple, which takes less memory than a set."""

_FOLLOWED = frozenset({"notify", "team_ids"})
"""Names of the properties of a conversation whose changes are followed."""

_NONE: Mapping[str, bool] = MappingProxyType({})


class ConversationMembership:
    """A conversation's kind and size as of log position `pos`, with the ids of its cached members. `kind` is None until
    it is loaded. The size counts members in their own right only; `staff` are the cached members through teams, each
    with whether they are also members in their own right. `has_teams` says whether any team is in the conversation."""

    __slots__ = ("has_teams", "kind", "member_count", "pos", "staff", "user_ids")

    def __init__(self) -> None:
        self.pos = 0
        self.kind: ConversationKind | None = None
        self.member_count = 0
        self.has_teams = False
        # A tuple uses a quarter of a set's memory, and most conversations have few members on a node.
        self.user_ids: tuple[str, ...] | set[str] = ()
        self.staff: dict[str, bool] | None = None

    @property
    def staff_ids(self) -> Collection[str]:
        return self.staff or ()

    @property
    def own_ids(self) -> Collection[str]:
        """The cached members in their own right."""
        staff = self.staff
        return self.user_ids if staff is None else [each for each in self.user_ids if staff.get(each, True)]

    def put_staff(self, user_id: str, *, via_team: bool, own: bool) -> None:
        """Records whether a member is there through a team, and whether they are also in their own right."""
        if via_team:
            self.staff = self.staff or {}
            self.staff[user_id] = own
        elif self.staff is not None and self.staff.pop(user_id, None) is not None and not self.staff:
            self.staff = None

    def add(self, user_ids: Collection[str]) -> None:
        if isinstance(self.user_ids, set):
            self.user_ids.update(user_ids)
            return
        new = [user_id for user_id in user_ids if user_id not in self.user_ids]
        if len(self.user_ids) + len(new) > _FEW:
            self.user_ids = {*self.user_ids, *new}
        elif new:
            self.user_ids = (*self.user_ids, *new)

    def contact_ids(self, user_id: str) -> Collection[str]:
        """Returns the members who are contacts of the member `user_id`, if the members are contacts: nobody who is
        there through teams only has contacts there."""
        return self.own_ids if self.staff is None or self.staff.get(user_id, True) else ()

    def discard(self, user_id: str) -> None:
        self.put_staff(user_id, via_team=False, own=False)
        if isinstance(self.user_ids, set):
            self.user_ids.discard(user_id)
        else:
            self.user_ids = tuple(known for known in self.user_ids if known != user_id)


class MembershipIndex:
    """Maps conversation ids to their kind, their size (of all members), and those members whom the directory, the cache
    of users, holds."""

    def __init__(self, members_max: int = CONTACTS_MAX) -> None:
        self._members_max = members_max
        self._memberships: dict[str, ConversationMembership] = {}
        self._notify: dict[str, Notify] = {}
        self._hashes: Counter[int] | None = None

    def index_hashes(self) -> None:
        """Starts to index the hashes of the conversations' ids, for `has_hash`."""
        self._hashes = Counter(map(conversation_hash, self._memberships))

    def has_hash(self, conversation_hash: int) -> bool:
        """Returns whether any cached user is a member of a conversation whose id has this hash. True before
        `index_hashes` was called."""
        return self._hashes is None or conversation_hash in self._hashes

    @property
    def notify(self) -> Mapping[str, Notify]:
        """Conversation id -> what its members are notified of who have chosen nothing themselves; only conversations
        with such a default, which are few. The mapping changes with the index."""
        return self._notify

    def get(self, conversation_id: str) -> ConversationMembership | None:
        return self._memberships.get(conversation_id)

    def add(self, user_id: str, conversation_ids: Iterable[str], staffed: Mapping[str, bool] = _NONE) -> None:
        """Adds a user who is now cached to the members of the conversations `conversation_ids`. In those in `staffed`,
        the user is a member through a team, and also in their own right if the value is True."""
        alone = (user_id,)
        for conversation_id in conversation_ids:
            membership = self._memberships.get(conversation_id)
            if membership is None:
                self._create(conversation_id).user_ids = alone
            else:
                membership.add(alone)
        for conversation_id, own in staffed.items():
            self._membership(conversation_id).put_staff(user_id, via_team=True, own=own)

    def remove(self, user_id: str, conversation_ids: Iterable[str]) -> None:
        """Removes a user, who is no longer cached or no longer a member, from the members of the conversations
        `conversation_ids`."""
        for conversation_id in conversation_ids:
            membership = self._memberships.get(conversation_id)
            if membership is not None:
                membership.discard(user_id)
                if not membership.user_ids:
                    self._forget(conversation_id)

    def fill(self, facts: Mapping[str, ConversationFacts], pos: int, later: Iterable[Durable]) -> None:
        """Sets the kinds, sizes, defaults for notifications and whether they have teams of those conversations of which
        that is not known yet. `facts` was read from the database as of the log position `pos`; `later` are the events
        since then, which are applied to them."""
        new = {
            id_: membership
            for id_ in facts
            if (membership := self._memberships.get(id_)) is not None and membership.kind is None
        }
        for conversation_id, membership in new.items():
            membership.pos = pos
            membership.kind, membership.member_count, notify, has_teams = facts[conversation_id]
            membership.has_teams = bool(has_teams)
            self._set_notify(conversation_id, notify)
        for event in later:
            self._follow(event, new.get)

    def is_incomplete(self, conversation_id: str) -> bool:
        """Returns whether cached users are members of the conversation, but its kind and size are not loaded yet."""
        membership = self._memberships.get(conversation_id)
        return membership is not None and membership.kind is None

    def apply(self, event: Durable, is_cached: Callable[[str], bool]) -> None:
        """Updates the index with a committed event. `is_cached` returns whether the directory has the user with this id
        in memory; new members who are not cached only change a conversation's size."""
        match event:
            case ConversationCreated(conversation=conversation):
                membership = self._add_cached(conversation.id, event.members, is_cached)
                if membership is not None and membership.kind is None:
                    membership.pos = event.pos
                    membership.kind, membership.member_count = conversation.kind, conversation.member_count
                    membership.has_teams = bool(conversation.team_ids)
                    self._set_notify(conversation.id, conversation.notify)
            case MemberAdded():
                self._follow(event, self._memberships.get)
                membership = self._add_cached(event.conversation_id, event.members, is_cached)
                if membership is not None and membership.kind is None:
                    self._set_notify(event.conversation_id, event.notify)
            case MembershipGroundsChanged(member=member):
                self._follow(event, self._memberships.get)
                self._put_staff((member,), is_cached)
            case MemberRemoved():
                self._follow(event, self._memberships.get)
                self.remove(event.user_id, (event.conversation_id,))
            case ConversationDeleted():
                if event.conversation_id in self._memberships:
                    self._forget(event.conversation_id)
            case _:
                self._follow(event, self._memberships.get)

    def contacts(self, user_id: str, conversation_ids: Collection[str]) -> set[str]:
        """Returns the contacts of a user, whose conversations are `conversation_ids`: the other members of the direct
        conversations and small groups among them. Conversations that are not in this index are left out. Blocks are not
        considered."""
        found: set[str] = set()
        for conversation_id in conversation_ids:
            membership = self._memberships.get(conversation_id)
            if membership is not None and self._is_of_contacts(membership):
                found.update(membership.contact_ids(user_id))
        found.discard(user_id)
        return found

    def contact_conversations(
        self,
        conversation_ids: Iterable[str],
        facts: Mapping[str, ConversationFacts],
        *,
        is_incomplete: bool = False,
    ) -> tuple[str, ...]:
        """Returns those of `conversation_ids` whose members are contacts of each other: direct conversations and small
        groups.

        The kind and size of a conversation are taken from `facts`, else from the index; a conversation in neither is
        left out. With `is_incomplete`, one whose kind is not loaded yet is included.
        """
        found: list[str] = []
        for conversation_id in conversation_ids:
            membership = facts.get(conversation_id) or self._memberships.get(conversation_id)
            if membership is not None and (
                self._is_of_contacts(membership) or (is_incomplete and membership.kind is None)
            ):
                found.append(conversation_id)
        return tuple(found)

    def are_no_contacts(self, conversation_id: str) -> bool:
        """Returns whether the members of a conversation are known not to be contacts."""
        membership = self._memberships.get(conversation_id)
        return membership is not None and membership.kind is not None and not self._is_of_contacts(membership)

    def are_contacts_only(self, conversation_id: str) -> bool:
        """Returns whether all members of a conversation are known to be contacts: nobody is there through a team."""
        membership = self._memberships.get(conversation_id)
        return membership is not None and self._is_of_contacts(membership) and not membership.has_teams

    def is_largest(self, conversation_id: str) -> bool:
        """Returns whether a conversation is a group of the largest size whose members are contacts."""
        membership = self._memberships.get(conversation_id)
        return membership is not None and membership.kind == "group" and membership.member_count == self._members_max

    def members(self, conversation_ids: Iterable[str]) -> set[str]:
        """Returns the cached users who are in any of the conversations in their own right."""
        memberships = (self._memberships.get(conversation_id) for conversation_id in conversation_ids)
        return {user_id for membership in memberships if membership is not None for user_id in membership.own_ids}

    def _add_cached(
        self, conversation_id: str, members: Iterable[Member], is_cached: Callable[[str], bool]
    ) -> ConversationMembership | None:
        """Adds the new members who are cached to a conversation's members, and returns the conversation's entry; None
        if no new member is cached."""
        user_ids = [member.user_id for member in members if is_cached(member.user_id)]
        if not user_ids:
            return None
        membership = self._membership(conversation_id)
        membership.add(user_ids)
        self._put_staff(members, is_cached)
        return membership

    def _put_staff(self, members: Iterable[Member], is_cached: Callable[[str], bool]) -> None:
        for member in members:
            membership = self._memberships.get(member.conversation_id)
            if membership is not None and is_cached(member.user_id):
                membership.put_staff(member.user_id, via_team=bool(member.via), own=member.own)

    def _is_of_contacts(self, membership: ConversationMembership | ConversationFacts) -> bool:
        return membership.kind == "direct" or (
            membership.kind == "group" and membership.member_count <= self._members_max
        )

    def _membership(self, conversation_id: str) -> ConversationMembership:
        return self._memberships.get(conversation_id) or self._create(conversation_id)

    def _create(self, conversation_id: str) -> ConversationMembership:
        membership = self._memberships[conversation_id] = ConversationMembership()
        if self._hashes is not None:
            self._hashes[conversation_hash(conversation_id)] += 1
        return membership

    def _follow(self, event: Durable, membership_of: Callable[[str], ConversationMembership | None]) -> None:
        """Applies an event to what is known of a conversation as a whole."""
        change = 0
        match event:
            case MemberAdded():
                membership, change = membership_of(event.conversation_id), 0 if event.of_teams else len(event.members)
            case MemberRemoved():
                membership, change = membership_of(event.conversation_id), -1 if event.own else 0
            case MembershipGroundsChanged(member=member, was_own=was_own):
                membership, change = membership_of(member.conversation_id), member.own - was_own
            case ConversationUpdated(changed=changed) if not _FOLLOWED.isdisjoint(changed):
                membership = membership_of(event.conversation.id)
            case _:
                return
        # The loaded facts may be newer than the event from the bus.
        if membership is None or membership.kind is None or event.pos <= membership.pos:
            return
        membership.pos = event.pos
        membership.member_count += change
        if isinstance(event, ConversationUpdated):
            # A node of an older version may not know the properties that it has not changed.
            if "notify" in event.changed:
                self._set_notify(event.conversation.id, event.conversation.notify)
            if "team_ids" in event.changed:
                membership.has_teams = bool(event.conversation.team_ids)

    def _set_notify(self, conversation_id: str, notify: Notify | None) -> None:
        if notify is None:
            self._notify.pop(conversation_id, None)
        else:
            self._notify[conversation_id] = notify

    def _forget(self, conversation_id: str) -> None:
        del self._memberships[conversation_id]
        self._notify.pop(conversation_id, None)
        if self._hashes is not None:
            hash_ = conversation_hash(conversation_id)
            self._hashes[hash_] -= 1
            if not self._hashes[hash_]:
                del self._hashes[hash_]
