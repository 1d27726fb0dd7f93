"""Nodes that keep only those users of others who are of interest, for the property test of presence by interest.

What `presence_nodes.py` has, and besides: conversations, which users join and leave, and blocks. The nodes follow a log
of these, each at its own pace. A client knows what its node has sent to it, or answered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

from sqlalchemy import delete, insert, update

from talkwire.core.commands.command import Command
from talkwire.core.commands.presence import FindPlaces, ListUsersOfNode
from talkwire.core.connected.directory import DirectoryEntry, LoadedUsers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    Durable,
    MemberAdded,
    MemberRemoved,
    PresenceChanged,
    RoomNews,
    SignalSent,
    UnstoredEvent,
    UserBlocked,
    UserUnblocked,
)
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import Actor, Member, PresenceRecord, ShownStatus
from talkwire.storage.schema import blocks, conversations, members, users
from tests.contracts.presence_nodes import DELAY_S, PresenceNode, World

PEOPLE = ("alice", "bob", "carol", "dave")
CONTACTS_MAX = 2
"""Larger groups make no contacts."""

FIRST_MEMBERS = {"c": {"alice", "bob"}, "d": {"carol"}, "e": {"dave"}, "f": {"alice", "bob", "carol"}}
PARTED_S = 3.0
"""So many seconds after two users have ceased to be contacts, no node sends their presence to each other any more."""

RETRY_S = 1.0
SLOW_S = 1.5
HELD_BACK_S = 0.3


class ContactWorld(World):
    """The nodes, and the conversations and blocks in their database. `log` are the changes of these."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.members = {id_: set(user_ids) for id_, user_ids in FIRST_MEMBERS.items()}
        self.blocks: set[tuple[str, str]] = set()
        self.log: list[Durable] = []
        self.seen_by_strangers: list[str] = []
        self.signals_sent = self.addressed = 0
        """How many signals were sent, and how many of these not to all nodes."""
        self.parted_at: dict[frozenset[str], float] = {}
        """When two users have ceased to be contacts."""
        with self.engine.begin() as connection:
            connection.execute(insert(users).values(id="dave", name="dave", banned=False, created_ms=0))
            for id_, user_ids in self.members.items():
                connection.execute(
                    insert(conversations).values(
                        id=id_,
                        kind="group",
                        member_count=len(user_ids),
                        last_seq=0,
                        last_pos=0,
                        created_ms=0,
                        updated_ms=0,
                    )
                )
                rows = [_row(id_, user_id) for user_id in user_ids]
                connection.execute(insert(members), rows)

    def _new_node(self, node_id: str) -> ContactNode:
        return ContactNode(self, node_id)

    @property
    def contact_nodes(self) -> Sequence[ContactNode]:
        return cast("list[ContactNode]", self.nodes)

    def settle(self) -> None:
        self.faults = frozenset()
        for node in self.contact_nodes:
            node.is_cut_off = node.is_uncertain = False
            self.loop.call_soon(node.follow_all)
        super().settle()

    def are_contacts(self, user_id: str, other_id: str) -> bool:
        if (user_id, other_id) in self.blocks or (other_id, user_id) in self.blocks:
            return False
        small = [ids for ids in self.members.values() if len(ids) <= CONTACTS_MAX]
        return any({user_id, other_id} <= ids for ids in small)

    def change(self, make: Callable[[int], Durable]) -> None:
        """Commits a change of the conversations or blocks, which the nodes follow a moment later."""
        were = self._contacts()
        event = make(len(self.log) + 1)
        self.log.append(event)
        self._store(event)
        for pair in were - self._contacts():
            self.parted_at[pair] = self.loop.time()
        for node in self.contact_nodes:
            late = "late" in self.faults and self._random.random() < 0.5
            self.loop.call_later(self._random.uniform(0, 3) if late else DELAY_S, node.follow_to, event.pos)

    def join(self, user_id: str, conversation_id: str) -> None:
        if user_id not in self.members[conversation_id]:
            member = Member(conversation_id, user_id, "member", 0)
            self.change(lambda pos: MemberAdded(pos, 0, conversation_id, (member,)))

    def leave(self, user_id: str, conversation_id: str) -> None:
        if user_id in self.members[conversation_id]:
            self.change(lambda pos: MemberRemoved(pos, 0, conversation_id, user_id))

    def set_block(self, user_id: str, other_id: str, *, blocked: bool) -> None:
        if user_id != other_id and ((user_id, other_id) in self.blocks) is not blocked:
            kind = UserBlocked if blocked else UserUnblocked
            self.change(lambda pos: kind(pos, 0, user_id, other_id))

    def signals_missed(self) -> list[str]:
        """Lets each connected user send a signal to each conversation that they are in. Returns what was wrong: a node
        has to receive each signal once to whose members one of its users belongs, and no other node any, unless it was
        sent to all."""
        sent: list[tuple[ContactNode, SignalSent, bool]] = []
        for node in self.contact_nodes:
            for user_id in [user_id for user_id, sockets in node.sockets.items() if sockets]:
                for id_ in [id_ for id_, ids in self.members.items() if user_id in ids]:
                    self.signals_sent += 1
                    signal = SignalSent(id_, user_id, "wave", self.signals_sent)
                    is_to_all = None in node.signals.by_receivers([signal])
                    self.addressed += not is_to_all
                    sent.append((node, signal, is_to_all))
                    node.publish_to_peers([signal])
        self.pass_time(10 * DELAY_S)
        wrong: list[str] = []
        for sender, signal, is_to_all in sent:
            for node in self.contact_nodes:
                count, members = node.signals_received.count(signal), self.members[signal.conversation_id]
                may_be = {0, 1} if node.has_listed(members) else {int(is_to_all)}
                if node is not sender and count not in ({1} if node.has_connected(members) else may_be):
                    wrong.append(f"{signal} of {sender.node_id} arrived {count} times at {node.node_id}")
        return wrong

    def _contacts(self) -> set[frozenset[str]]:
        return {frozenset({one, two}) for one in PEOPLE for two in PEOPLE if one < two and self.are_contacts(one, two)}

    def _store(self, event: Durable) -> None:
        with self.engine.begin() as connection:
            match event:
                case MemberAdded(conversation_id=id_):
                    self.members[id_].add(event.members[0].user_id)
                    connection.execute(insert(members).values(_row(id_, event.members[0].user_id)))
                case MemberRemoved(conversation_id=id_):
                    self.members[id_].discard(event.user_id)
                    gone = members.c.conversation_id == id_, members.c.user_id == event.user_id
                    connection.execute(delete(members).where(*gone))
                case UserBlocked():
                    self.blocks.add((event.user_id, event.blocked_id))
                    connection.execute(insert(blocks).values(user_id=event.user_id, blocked_id=event.blocked_id))
                case UserUnblocked():
                    self.blocks.discard((event.user_id, event.blocked_id))
                    ended = blocks.c.user_id == event.user_id, blocks.c.blocked_id == event.blocked_id
                    connection.execute(delete(blocks).where(*ended))
            if isinstance(event, MemberAdded | MemberRemoved):
                count = len(self.members[event.conversation_id])
                of_it = conversations.c.id == event.conversation_id
                connection.execute(update(conversations).where(of_it).values(member_count=count))


class ContactNode(PresenceNode):
    """A node, and what the clients connected to it know of their contacts: (user, contact) -> status."""

    bus_allows_selection = True

    def __init__(self, world: ContactWorld, node_id: str) -> None:
        super().__init__(world, node_id, CONTACTS_MAX)
        self._contact_world = world
        self._pos = len(world.log)
        self.known: dict[tuple[str, str], ShownStatus] = {}
        self.signals_received: list[SignalSent] = []
        self.rooms: list[RoomNews] = []
        """Which users this node's clients have seen enter and leave rooms."""
        self.is_broken = self.hangs = False
        """Whether lookups fail by a defect, or never end."""
        self.answers_after_s = 0.0
        """How long after it was read the answer to a lookup comes."""
        self.holds_back_after: int | None = None
        """After how many messages to other nodes the next ones are late."""
        self.places = self.signals.presence.exchange.places
        self.places.may_be_selective = self.bus_allows_selection
        self.directory.pos = self._pos

    def has_connected(self, user_ids: Collection[str]) -> bool:
        return any(self.sockets.get(user_id) for user_id in user_ids)

    def has_listed(self, user_ids: Collection[str]) -> bool:
        """Returns whether any of the users is in this node's list: also those who have just disconnected."""
        return not set(user_ids).isdisjoint(self.signals.presence._state.ids())

    async def connect(self, user_id: str, socket_id: str) -> None:
        await super().connect(user_id, socket_id)
        self._start_asking(user_id)

    def _start_asking(self, user_id: str) -> None:
        self._world.loop.create_task(self._ask(user_id))

    async def _ask(self, user_id: str) -> None:
        """Asks for the presence of a user's contacts until it is answered, as a client does."""
        while self.is_alive and self.sockets.get(user_id):
            try:
                found = await self.signals.presence.contacts_presence(Actor(user_id, user_id))
            except ChatError:
                await self._world.pause(RETRY_S)
            else:
                self.known.update({(user_id, each.user_id): each.status for each in found})
                return

    # --- the log ------------------------------------------------------------------------------------------------------

    def follow_all(self) -> None:
        self.follow_to(len(self._contact_world.log))

    def follow_to(self, pos: int) -> None:
        """Follows the log up to a position."""
        if self.is_cut_off:
            return
        for event in self._contact_world.log[self._pos : pos]:
            self._pos = event.pos
            self.directory.apply(event)
            self.signals.follow(event)
            self._follow_with_clients(event)
        self.directory.pos = self._pos

    def _follow_with_clients(self, event: Durable) -> None:
        """Lets the clients of a conversation whose members have changed ask for their contacts, and those of a user
        who has ended a block."""
        match event:
            case MemberAdded(conversation_id=id_) | MemberRemoved(conversation_id=id_):
                membership = self.directory.memberships.get(id_)
                concerned: Collection[str] = () if membership is None else membership.user_ids
            case UserUnblocked():
                concerned = (event.user_id, event.blocked_id)
            case _:
                return
        for user_id in concerned:
            self._start_asking(user_id)

    # --- what the presence uses ---------------------------------------------------------------------------------------

    async def execute(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (a result)
        if isinstance(command, FindPlaces):
            if self.is_broken:
                raise RuntimeError("a defect")
            while self.hangs:
                await self._world.pause(RETRY_S)
        result = await super().execute(actor, command)
        if isinstance(command, FindPlaces) and self.answers_after_s:
            await self._world.pause(self.answers_after_s)
        if isinstance(command, FindPlaces | ListUsersOfNode):
            await self._answer_slowly()
        return result

    async def _answer_slowly(self) -> None:
        """Waits after a query, if the database is slow."""
        if "slow" in self._world.faults:
            await self._world.pause(self._world._random.uniform(0, SLOW_S))

    async def _load(self, user_ids: Collection[str]) -> LoadedUsers:
        await self._world.pause(DELAY_S)
        if self.is_cut_off:
            raise ChatError("unavailable", "The database does not answer. Try again.")
        world = self._contact_world
        loaded = LoadedUsers(
            len(world.log),
            {user_id: self._entry(user_id) for user_id in user_ids},
            {id_: ConversationFacts("group", len(ids)) for id_, ids in world.members.items()},
        )
        await self._answer_slowly()
        return loaded

    def _entry(self, user_id: str) -> DirectoryEntry:
        world = self._contact_world
        joined = {id_ for id_, ids in world.members.items() if user_id in ids}
        blocked = frozenset(blocked_id for own_id, blocked_id in world.blocks if own_id == user_id)
        record = world.record(user_id)
        stored = None if record == PresenceRecord(user_id) else record
        return DirectoryEntry(None, joined, blocked_ids=blocked, presence=stored)

    def publish_here(self, events: Sequence[UnstoredEvent]) -> None:
        for event in events:
            if isinstance(event, PresenceChanged) and not event.own:
                self._deliver(event)
            elif isinstance(event, SignalSent):
                self.signals_received.append(event)
            elif isinstance(event, RoomNews):
                self.rooms.append(event)

    def publish_to_peers(self, events: Sequence[UnstoredEvent]) -> None:
        if self.holds_back_after is None:
            super().publish_to_peers(events)
        elif self.holds_back_after > 0:
            self.holds_back_after -= 1
            super().publish_to_peers(events)
        else:
            self._world.loop.call_later(HELD_BACK_S, super().publish_to_peers, events)

    def _deliver(self, event: PresenceChanged) -> None:
        """Sends a change to the contacts of its user, as `SignalDelivery` does."""
        user_id = event.presence.user_id
        if event.circle_ids is None:
            found = self.directory.contacts(user_id)
        else:
            found = self.directory.contacts_in(event.circle_ids, user_id, event.blocked_ids)
        world = self._contact_world
        for viewer in found:
            if self.sockets.get(viewer):
                parted_at = world.parted_at.get(frozenset({viewer, user_id}), -PARTED_S)
                is_recent = world.loop.time() - parted_at <= PARTED_S
                late_log = self._pos < len(world.log)
                if not (is_recent or late_log or world.are_contacts(viewer, user_id)):
                    world.seen_by_strangers.append(f"{viewer} has seen {user_id} at {world.loop.time():.3f}")
                self.known[viewer, user_id] = event.presence.status


def _row(conversation_id: str, user_id: str) -> dict[str, object]:
    return {"conversation_id": conversation_id, "user_id": user_id, "role": "member", "joined_ms": 0}
