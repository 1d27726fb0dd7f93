"""The unread counts of all conversations together equal a recount of the messages, and the badge of a push."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import pytest
from sqlalchemy import event

from talkwire.core.commands.accounts import EraseUser
from talkwire.core.commands.blocks import BlockUser, UnblockUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, ListConversations
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, EditMessage, ListMessages, SendMessage
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.receipts import GetUnread, MarkRead, MarkUnread, UnreadTotal
from talkwire.core.commands.server.pushes import ReadPushContents
from talkwire.core.domain.actors import PUSH_SENDER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Message
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Clock, Node
from tests.repetition import repetitions

ACTORS = (ALICE, BOB, CAROL)
TALKS = ("c", "d", "late", "direct")
STEPS = 60


async def _totals(node: Node, actor: Actor) -> UnreadTotal:
    """Returns the actor's unread counts, after comparing them with the badge of a push."""
    total: UnreadTotal = await node.do(actor, GetUnread())
    contents = await node.do(PUSH_SENDER, ReadPushContents((actor.user_id,), ()))
    assert contents.badges == {actor.user_id: total.messages}
    return total


async def _recount(node: Node, actor: Actor, blocked: set[tuple[str, str]]) -> UnreadTotal:
    """Counts the actor's unread messages one by one."""
    page = await node.do(actor, ListConversations())
    messages = mentions = conversations = 0
    for view in page.items:
        assert view.reader is not None
        history = await node.do(actor, ListMessages(view.conversation.id, limit=100))
        unread = [
            each
            for each in history.items
            if each.seq > view.reader.own_seq
            and each.sender_id != actor.user_id
            and each.deleted_ms is None
            and (actor.user_id, each.sender_id) not in blocked
        ]
        mentioning = sum(1 for each in unread if each.mentions_all or actor.user_id in each.mentions)
        only_mentions = view.archived or view.reader.at(node.clock.now_ms).muted
        counted = mentioning if only_mentions else len(unread)
        messages += counted
        mentions += mentioning
        conversations += counted > 0
    return UnreadTotal(messages, mentions, conversations)


class Steps:
    """Random steps of the three users, and what the recount has to know of them."""

    def __init__(self, node: Node, seed: int) -> None:
        self._node = node
        self._random = Random(seed)
        self._sent: list[str] = ["1"]
        self.blocked: set[tuple[str, str]] = set()

    async def take(self) -> str:
        """Takes a step, which the chat may refuse. Returns what it was."""
        actor, other = self._random.sample(ACTORS, 2)
        name, command = self._choose(other)
        try:
            result = await self._node.do(actor, command)
        except ChatError:
            return f"{name} was refused"
        if isinstance(result, Message) and isinstance(command, SendMessage):
            self._sent.append(str(result.id))
        pair = (actor.user_id, other.user_id)
        if isinstance(command, BlockUser):
            self.blocked.add(pair)
        elif isinstance(command, UnblockUser):
            self.blocked.discard(pair)
        self._node.clock.now_ms += 400
        return name

    def _choose(self, other: Actor) -> tuple[str, Command[object]]:
        talk, message = self._random.choice(TALKS), self._random.choice(self._sent)
        end_ms = self._node.clock.now_ms + 1000
        often: Mapping[str, Callable[[], Command[object]]] = {
            "send": lambda: SendMessage(talk, "hello"),
            "mention": lambda: SendMessage(talk, f"hello @{other.user_id}"),
            "mention all": lambda: SendMessage(talk, "hello @all"),
        }
        seldom: Mapping[str, Callable[[], Command[object]]] = {
            "read": lambda: MarkRead(talk),
            "read some": lambda: MarkRead(talk, message),
            "mark unread": lambda: MarkUnread(talk, message),
            "mute": lambda: SetMemberPreferences(talk, muted=True),
            "mute for a second": lambda: SetMemberPreferences(talk, muted=True, unmute_ms=end_ms),
            "unmute": lambda: SetMemberPreferences(talk, muted=False),
            "archive": lambda: SetMemberPreferences(talk, archived=True),
            "unarchive": lambda: SetMemberPreferences(talk, archived=False),
            "delete": lambda: DeleteMessage(message),
            "edit away a mention": lambda: EditMessage(message, "nobody"),
            "edit in a mention": lambda: EditMessage(message, f"@{other.user_id}"),
            "block": lambda: BlockUser(other.user_id),
            "unblock": lambda: UnblockUser(other.user_id),
            "remove": lambda: RemoveMember(talk, other.user_id),
            "add": lambda: AddMembers(talk, (other.user_id,)),
        }
        steps = often if self._random.random() < 0.5 else seldom
        name = self._random.choice(list(steps))
        return name, steps[name]()


async def _prepare(node: Node) -> None:
    await node.users(*ACTORS)
    await node.group("c", *ACTORS)
    await node.group("d", *ACTORS)
    create = CreateConversation("group", ("alice", "bob"), id="late", owner_id="alice", history="from-join")
    await node.do(BACKEND, create)
    await node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="direct"))


@pytest.mark.parametrize("seed", range(repetitions(32)))
async def test_the_totals_equal_a_recount_and_the_badge_after_any_steps(node: Node, seed: int) -> None:
    await _prepare(node)
    steps = Steps(node, seed)
    taken: list[str] = []
    for _ in range(STEPS):
        taken.append(await steps.take())
        if len(taken) % 5:
            continue
        for actor in ACTORS:
            assert await _totals(node, actor) == await _recount(node, actor, steps.blocked), taken
    await node.do(BACKEND, DeleteConversation("c"))
    await node.do(BACKEND, EraseUser("carol", redact=True))
    for actor in (ALICE, BOB):
        assert await _totals(node, actor) == await _recount(node, actor, steps.blocked), taken


async def test_muted_and_archived_conversations_count_only_mentions(node: Node, clock: Clock) -> None:
    await _prepare(node)
    for talk in ("c", "d", "late"):
        for text in ("plain", "hello @bob"):
            await node.send(ALICE, text, to=talk)
    assert await _totals(node, BOB) == UnreadTotal(6, 3, 3)
    await node.do(BOB, SetMemberPreferences("c", muted=True, unmute_ms=clock.now_ms + 1000))
    await node.do(BOB, SetMemberPreferences("d", archived=True))
    assert await _totals(node, BOB) == UnreadTotal(4, 3, 3)
    clock.now_ms += 1000
    assert await _totals(node, BOB) == UnreadTotal(5, 3, 3), "the mute has ended"
    await node.send(ALICE, "plain", to="d")
    assert await _totals(node, BOB) == UnreadTotal(7, 3, 3), "a new message has brought the conversation back"
    await node.do(BOB, MarkRead("c"))
    await node.do(BOB, SetMemberPreferences("late", muted=True))
    await node.do(BOB, MarkRead("late"))
    await node.send(ALICE, "plain", to="late")
    assert await _totals(node, BOB) == UnreadTotal(3, 1, 1), "a muted conversation without mentions does not contribute"


async def test_an_erased_user_cannot_ask_for_the_totals(node: Node) -> None:
    await node.users(ALICE)
    await node.do(BACKEND, EraseUser("alice", redact=True))
    assert await node.refusal(ALICE, GetUnread()) == "banned"


async def test_the_statements_do_not_depend_on_the_number_of_conversations(node: Node) -> None:
    await node.users(*ACTORS)
    counts = []
    for talk in ("c", "d", "e"):
        await node.group(talk, *ACTORS)
        await node.send(ALICE, to=talk, content="hello @all")
        await node.do(CAROL, BlockUser("bob"))
        counts.append(await _statements(node, BOB))
    assert len(set(counts)) == 1


async def _statements(node: Node, actor: Actor) -> int:
    executed: list[str] = []

    def execute(connection: object, cursor: object, statement: str, *rest: object) -> None:
        executed.append(statement)

    event.listen(node.read_engine, "before_cursor_execute", execute)
    await node.do(actor, GetUnread())
    event.remove(node.read_engine, "before_cursor_execute", execute)
    return len(executed)
