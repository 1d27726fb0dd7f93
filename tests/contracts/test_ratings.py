"""Ratings of agents' messages: who may rate which message, who sees what of it, and that the sums are right."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from talkwire.core.commands.accounts import BanUser, PutUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import CreateConversation, UpdateConversation
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import DeleteMessage, ForwardMessage, SendMessage
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.streams.rating import GetRating, MessageRating, RateMessage, RatingValue
from talkwire.core.commands.streams.writing import FinishMessage, StreamMessage
from talkwire.core.commands.sync import ListEvents
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageRated
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.storage.messages import erasure
from talkwire.storage.schema import message_ratings, rating_sums
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Node
from tests.contracts.test_erasure import erase

HELPER = Actor("helper", "Helper")
OTHER_AGENT = Actor("other", "Other")
MAKER = Actor("maker", "Maker")
STAFF = Actor("staff", "Staff")
BANNED = Actor("banned", "Banned")
FORMER = Actor("former", "Former")
PEOPLE = (ALICE, BOB, CAROL, MALLORY, MAKER, STAFF, BANNED, FORMER)

UP, DOWN, NONE = 1, -1, 0


async def with_answer(node: Node) -> Message:
    """Makes a group with a team, in which Alice is the owner, Carol an admin and Bob a member, and in which an agent
    writes that Maker owns. Returns the agent's message."""
    await node.users(*PEOPLE)
    await node.do(BACKEND, PutUser("helper", name="Helper", kind="agent", owner_id="maker"))
    await node.do(BACKEND, PutUser("other", name="Other", kind="agent", owner_id="alice"))
    await node.do(BACKEND, PutTeam("support", "Support", ("staff",)))
    there = ("alice", "bob", "carol", "helper", "other", "maker", "banned", "former")
    await node.do(
        BACKEND, CreateConversation("group", there, id="c", name="C", owner_id="alice", team_ids=("support",))
    )
    await node.do(BACKEND, UpdateMember("c", "carol", "admin"))
    await node.do(BACKEND, RemoveMember("c", "former"))
    await node.do(OPERATOR, BanUser("banned"))
    return await node.send(HELPER, "An answer")


def rate(message: Message, rating: RatingValue = UP, comment: str | None = None, **more: Any) -> RateMessage:  # noqa: ANN401 (fields of the command)
    return RateMessage(str(message.id), rating, comment, **more)


async def sums(node: Node, message: Message) -> tuple[int | None, int | None]:
    seen = await node.do(BACKEND, GetRating(str(message.id)))
    return seen.up, seen.down


def view(mine: int, comment: str | None = None, up: int | None = None, down: int | None = None) -> MessageRating:
    return MessageRating("c", mine, comment, up, down)


async def error_of(node: Node, actor: Actor, command: Any) -> ChatError:  # noqa: ANN401 (a command)
    with pytest.raises(ChatError) as refused:
        await node.do(actor, command)
    return refused.value


# --- who and what -----------------------------------------------------------------------------------------------------

RATES: list[tuple[Actor, str | None, bool]] = [
    (ALICE, None, True),
    (CAROL, None, True),
    (BOB, None, False),
    (MAKER, None, True),
    (OTHER_AGENT, None, False),
    (STAFF, None, False),
    (HELPER, "invalid_request", True),
    (MALLORY, "forbidden", False),
    (FORMER, "forbidden", False),
    (BANNED, "banned", False),
]
"""Who rates, the code with which that is refused, and whether they see the sums."""


async def test_members_rate_and_only_some_see_how_many_did(node: Node) -> None:
    message = await with_answer(node)
    expected = 0
    for actor, code, sees_sums in RATES:
        if code is None:
            expected += 1
            shown = view(UP, None, expected, 0) if sees_sums else view(UP)
            assert await node.do(actor, rate(message)) == shown, actor
            assert await node.do(actor, GetRating(str(message.id))) == shown, actor
        else:
            assert await node.refusal(actor, rate(message)) == code, actor
    assert await node.do(HELPER, GetRating(str(message.id))) == view(NONE, up=expected, down=0)
    for actor in (MALLORY, FORMER, BANNED):
        assert await node.refusal(actor, GetRating(str(message.id))) in {"forbidden", "banned"}
    for actor in (BACKEND, OPERATOR):
        assert await node.do(actor, GetRating(str(message.id))) == view(NONE, up=expected, down=0)
        assert await node.refusal(actor, rate(message)) in {"forbidden", "invalid_request"}


async def test_the_back_end_rates_in_a_members_name(node: Node) -> None:
    message = await with_answer(node)
    assert await node.do(BACKEND, rate(message, DOWN, sender_id="bob")) == view(DOWN, up=0, down=1)
    assert await node.do(BOB, GetRating(str(message.id))) == view(DOWN)
    assert await node.refusal(ALICE, rate(message, sender_id="bob")) == "forbidden"
    assert await node.refusal(BACKEND, rate(message, sender_id="mallory")) == "forbidden"
    assert await node.refusal(BACKEND, rate(message, sender_id="a b")) == "invalid_request"


async def test_rating_is_not_writing(node: Node) -> None:
    """Muted members rate, and so do those of a channel in which only few write, but nobody across a block."""
    message = await with_answer(node)
    await node.do(ALICE, RestrictMember("c", "bob", "mute", None))
    await node.do(ALICE, UpdateConversation("c", slow_mode_s=60))
    await node.do(BOB, rate(message))
    await node.do(BACKEND, CreateConversation("channel", ("alice", "bob", "helper"), id="news", name="News"))
    await node.do(BACKEND, UpdateMember("news", "helper", "admin"))
    await node.do(BOB, rate(await node.send(HELPER, "News", to="news")))
    direct = (await node.do(BOB, CreateConversation("direct", ("helper",)))).conversation.id
    answer = await node.send(HELPER, "Hello", to=direct)
    await node.do(BOB, rate(answer))
    await node.do(BOB, BlockUser("helper"))
    assert await node.refusal(BOB, rate(answer, NONE)) == "blocked"


async def test_only_messages_of_agents_that_one_sees_are_rated(node: Node) -> None:
    answer = await with_answer(node)
    deleted = await node.send(HELPER, "A mistake")
    await node.do(HELPER, DeleteMessage(str(deleted.id)))
    (forwarded,) = await node.do(BOB, ForwardMessage(str(answer.id), ("c",)))
    (by_agent,) = await node.do(HELPER, ForwardMessage(str(forwarded.id), ("c",)))
    imported = await node.do(BACKEND, SendMessage("c", "Old", "i1", sender_id="helper", created_ms=node.clock.now_ms))
    for message, code in (
        (await node.send(BOB, "A question"), "invalid_request"),
        (forwarded, "invalid_request"),
        (deleted, "invalid_request"),
    ):
        for command in (rate(message), GetRating(str(message.id))):
            assert await node.refusal(ALICE, command) == code, message.content
    for message in (by_agent, imported):
        await node.do(ALICE, rate(message))
    for unknown in ("1", "nonsense", "1000900000000001"):
        for command in (RateMessage(unknown, UP), GetRating(unknown)):
            assert await node.refusal(ALICE, command) == "forbidden"
    hidden = (await node.do(ALICE, CreateConversation("group", ("helper",), "D", history="from-join"))).conversation.id
    before = await node.send(HELPER, "Before", to=hidden)
    await node.do(ALICE, AddMembers(hidden, ("bob",)))
    for command in (rate(before), GetRating(str(before.id))):
        assert await node.refusal(BOB, command) == "forbidden"


async def test_a_stream_is_rated_from_its_first_end(node: Node) -> None:
    await with_answer(node)
    begun = await node.do(HELPER, StreamMessage(conversation_id="c", client_message_id="s1"))
    refused = await error_of(node, BOB, rate(begun.message))
    assert (refused.code, refused.details) == ("conflict", {"reason": "streaming"})
    assert await node.do(BOB, GetRating(str(begun.message.id))) == view(NONE)
    message = await node.do(
        HELPER, FinishMessage(message_id=str(begun.message.id), attempt=1, parts=(TextPart("The end"),))
    )
    assert await node.do(BOB, rate(message, DOWN)) == view(DOWN)


@pytest.mark.parametrize(
    ("rating", "comment"),
    [(2, None), (-2, None), (NONE, "Why"), (UP, ""), (UP, "  "), (DOWN, "x" * 1001), (UP, "\0")],
)
async def test_an_invalid_rating_is_refused(node: Node, rating: RatingValue, comment: str | None) -> None:
    message = await with_answer(node)
    assert await node.refusal(BOB, rate(message, rating, comment)) == "invalid_request"
    await node.do(BOB, rate(message, DOWN, "x" * 1000))


# --- one rating -------------------------------------------------------------------------------------------------------


async def test_a_rating_replaces_the_one_before_and_0_takes_it_back(node: Node) -> None:
    message = await with_answer(node)
    for rating, comment, expected in (
        (UP, None, (1, 0)),
        (UP, "Good", (1, 0)),
        (DOWN, "Wrong", (0, 1)),
        (DOWN, None, (0, 1)),
        (NONE, None, (0, 0)),
    ):
        before = node.chat.pos
        given = await node.do(BOB, rate(message, rating, comment))
        assert given == view(rating, comment) == await node.do(BOB, GetRating(str(message.id)))
        assert node.chat.pos == before + 1
        assert node.log[-1] == MessageRated(
            node.chat.pos, node.clock.now_ms, message, "bob", rating, comment, *expected, "maker"
        )
        assert await sums(node, message) == expected
        assert await node.do(BOB, rate(message, rating, comment)) == given
        assert node.chat.pos == before + 1, "the same again changes nothing"


async def test_two_ratings_of_one_member_at_once_leave_one(node: Node) -> None:
    message = await with_answer(node)
    await asyncio.gather(*(node.do(BOB, rate(message, rating)) for rating in (UP, DOWN, UP, DOWN)))
    found = (await node.do(BOB, GetRating(str(message.id)))).mine
    assert await sums(node, message) == ((1, 0) if found == UP else (0, 1))
    answers = await node.in_one_batch((BOB, rate(message, UP)), (CAROL, rate(message, UP)), (BOB, rate(message, DOWN)))
    assert [each.mine for each in answers] == [UP, UP, DOWN]
    assert await sums(node, message) == (1, 1)


def _counted(node: Node) -> tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]]:
    """Returns message id -> how many have rated it up and down, by the stored sums and by the stored ratings."""
    with node.read_engine.connect() as connection:
        stored = {row.message_id: (row.up, row.down) for row in connection.execute(select(rating_sums))}
        counts: dict[int, tuple[int, int]] = {}
        for row in connection.execute(select(message_ratings)):
            up, down = counts.get(row.message_id, (0, 0))
            counts[row.message_id] = (up + (row.rating == UP), down + (row.rating == DOWN))
    return {id_: each for id_, each in stored.items() if each != (0, 0)}, counts


def _raters(node: Node) -> set[str]:
    with node.read_engine.connect() as connection:
        return {*connection.execute(select(message_ratings.c.user_id)).scalars()}


@pytest.mark.parametrize("seed", range(2))
async def test_the_sums_equal_a_recount(node: Node, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ratings, the erasure of a member with or without the messages, a deletion, and the erasure of the agent."""
    monkeypatch.setattr(erasure, "ROWS_CLEANED_AT_ONCE", 2)
    chance = Random(seed)
    answers = [await with_answer(node), *[await node.send(HELPER, f"Answer {n}") for n in range(3)]]
    people = [ALICE, BOB, CAROL, MAKER]
    for _ in range(30):
        ratings = [
            (chance.choice(people), rate(chance.choice(answers), chance.choice((UP, UP, DOWN, NONE))))
            for _ in range(chance.randint(1, 4))
        ]
        await node.in_one_batch(*ratings)
    stored, counts = await asyncio.to_thread(_counted, node)
    assert stored == counts
    assert stored
    await erase(node, "bob", redact=bool(seed % 2))
    stored, counts = await asyncio.to_thread(_counted, node)
    assert stored == counts
    assert "bob" not in await asyncio.to_thread(_raters, node)
    await node.do(HELPER, DeleteMessage(str(answers[0].id)))
    stored, counts = await asyncio.to_thread(_counted, node)
    assert stored == counts
    assert answers[0].id not in stored
    for answer in answers[1:]:
        for person in (ALICE, CAROL):
            await node.do(person, rate(answer))
        assert (await node.do(ALICE, GetRating(str(answer.id)))).up in {2, 3}
    await erase(node, "helper")
    assert await asyncio.to_thread(_counted, node) == ({}, {})


# --- who is notified --------------------------------------------------------------------------------------------------


async def ratings_seen(node: Node, actor: Actor, after: str) -> list[tuple[Any, ...]]:
    """Returns user id, rating, comment and sums of each rating that the actor's `sync` shows."""
    page = await node.do(actor, ListEvents(after))
    rated = [event for event in page.events if isinstance(event, MessageRated)]
    return [(each.user_id, each.rating, each.comment, each.up, each.down) for each in rated]


async def test_only_the_rater_the_agent_and_its_owner_see_a_rating(node: Node) -> None:
    message = await with_answer(node)
    cursor = node.chat.cursor
    await node.do(BOB, rate(message, DOWN, "Wrong"))
    await node.do(MAKER, rate(message))
    by_bob, by_maker = ("bob", DOWN, "Wrong"), ("maker", UP, None)
    whole = [(*by_bob, 0, 1), (*by_maker, 1, 1)]
    expected: dict[str, list[tuple[Any, ...]]] = {"helper": whole, "maker": whole, "bob": [(*by_bob, None, None)]}
    for actor in (HELPER, MAKER, BOB, ALICE, CAROL, OTHER_AGENT, STAFF, MALLORY, FORMER):
        assert await ratings_seen(node, actor, cursor) == expected.get(actor.user_id, []), actor


async def test_nobody_sees_ratings_of_a_conversation_or_message_that_they_do_not_see(node: Node) -> None:
    message = await with_answer(node)
    cursor = node.chat.cursor
    await node.do(BOB, rate(message, DOWN, "Wrong"))
    await node.do(BACKEND, RemoveMember("c", "maker"))
    assert await ratings_seen(node, MAKER, cursor) == []
    assert await node.refusal(MAKER, GetRating(str(message.id))) == "forbidden"
    await node.do(BACKEND, UpdateConversation("c", history="from-join"))
    await node.do(BACKEND, AddMembers("c", ("maker",)))
    assert await ratings_seen(node, MAKER, cursor) == []
    assert await ratings_seen(node, HELPER, cursor) == [("bob", DOWN, "Wrong", 0, 1)]


async def test_what_an_erased_member_wrote_is_gone_from_the_log(node: Node) -> None:
    message = await with_answer(node)
    cursor = node.chat.cursor
    await node.do(BOB, rate(message, DOWN, "Wrong"))
    await erase(node, "bob", redact=False)
    assert await ratings_seen(node, HELPER, cursor) == [("bob", DOWN, None, 0, 1)]
