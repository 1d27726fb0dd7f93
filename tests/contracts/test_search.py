"""Search returns the same from both databases, only what the reader may see, and the current state of messages."""
# ruff: noqa: RUF001 (letters that look like others are what some of this is about)

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text as sql

from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.conversations import CreateConversation, UpdateConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.search import FindPublicConversations, SearchMessages
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import ConversationCreated, MemberAdded, MessageDeleted, MessageEdited
from talkwire.core.domain.model import Actor, Conversation, Member
from talkwire.core.domain.search.search_terms import terms_of
from talkwire.core.features.messages import search
from talkwire.core.ports.transaction import Snapshot, Transaction
from talkwire.storage.engine import reading_engine, sqlite_url
from talkwire.storage.followers.follower import Follower
from talkwire.storage.messages import search as search_rows
from talkwire.storage.messages.search import MessageIndex
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Call, Clock, Node, running
from tests.contracts.paces import Restless
from tests.databases import Database, PostgresServer
from tests.repetition import repetitions
from tests.waiting import DEADLINE_S


class Indexed:
    """A node whose messages are indexed: `catch_up` returns once all have been."""

    def __init__(self, node: Node, database: Database) -> None:
        self.node = node
        self.follower = Follower(
            MessageIndex(node.write_engine.dialect),
            reading_engine(database.url, 1),
            node.writer.transact,
            node.clock,
            Restless(),
        )
        node.chat.subscribe(lambda events: self.follower.wake())

    async def catch_up(self) -> None:
        assert await asyncio.to_thread(self.follower.wait_for, self.node.chat.pos, DEADLINE_S)

    async def find(self, actor: Actor, text: str, conversation_id: str | None = None) -> list[str]:
        """Returns the texts of the found messages, newest first."""
        page = await self.node.do(actor, SearchMessages(text, conversation_id, limit=100))
        assert page.next is None
        return [message.content for message in page.items]


@asynccontextmanager
async def indexing(node: Node, database: Database) -> AsyncIterator[Indexed]:
    indexed = Indexed(node, database)
    indexed.follower.start()
    try:
        yield indexed
    finally:
        await asyncio.to_thread(indexed.follower.close)


@pytest.fixture
async def indexed(node: Node, database: Database) -> AsyncIterator[Indexed]:
    await node.group("c", ALICE, BOB)
    async with indexing(node, database) as indexed:
        yield indexed


FreshDatabase = Callable[[], AbstractContextManager[Database]]


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_database(request: pytest.FixtureRequest) -> FreshDatabase:
    """A new database, for tests that need many."""

    @contextmanager
    def on_sqlite() -> Iterator[Database]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "talkwire.db"
            shutil.copyfile(template, path)
            yield Database("sqlite", sqlite_url(path))

    @contextmanager
    def on_postgresql() -> Iterator[Database]:
        name = server.create_migrated()
        yield Database("postgresql", server.url_of(name))
        server.drop(name)

    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        return on_sqlite
    server: PostgresServer = request.getfixturevalue("postgresql")
    return on_postgresql


# --- words ----------------------------------------------------------------------------------------------------------

FOUND = [
    ("Grüße aus der Straße", "GRUSSE strasse"),
    ("Grüße aus der Straße", "straß"),
    ("İstanbul, ISPARTA", "istanbul ısparta"),
    ("Ο Οδυσσεύς", "ΟΔΥΣΣΕΥΣ"),
    ("Ёлка и Мороз", "елка МОР"),
    ("السَّلَامُ عَلَيْكُم", "السلام عليكم"),
    ("東京大学へ行きます", "大学"),
    ("東京大学へ行きます", "東京大学"),
    ("東京大学へ行きます", "行"),
    ("iPhoneの価格", "価格"),
    ("한국어 공부를 시작했다", "공부"),
    ("สวัสดีชาวโลก", "ชาว"),
    ("हिन्दी में लिखा", "हिन्दी"),
    ("Party 🎉🎂 tonight", "🎂"),
    ("👍🏽 fine", "👍"),
    ("see https://example.com/a/path?x=1#top", "https://example.com/a/path"),
    ("see https://example.com/a/path?x=1#top", "example.com"),
    ("write to Alice.Smith@Example.com!", "alice.smith@example.com"),
    ("it's a co\u00adop\u200bshop", "coop shop"),
    ("one two three", '"two three"'),
    ("one two three", "thr"),
    ("one two three", "three one"),
    ("x" * 5000, "x" * 1000),
    ("x" * 5000, "x" * 20),
    ("word " * 13000 + "needle", "needle"),
    ("字" * 21000 + "針", "針"),
    ("C++ & 'quotes' \"AND\" OR NOT (x) * ^ : - |", "and or not x"),
    ("it''s \\ 'x' :* & !", "it''s"),
    ("２０２４ ＡＢＣ", "2024 abc"),
    ("٣٤ kg", "34"),
]

NOT_FOUND = [
    ("one two three", "tw three"),
    ("one two three", '"three two"'),
    ("one two three", '"two thr"'),
    ("one two three", "four"),
    ("one two three", "t"),
    ("東京大学", "京東"),
    ("東京 大学", "京大"),
    ("example com", "example.org"),
    ("com example", "example.com"),
    ("word", "words"),
]


async def test_messages_are_found_by_their_words_however_they_are_written(indexed: Indexed) -> None:
    for content in dict.fromkeys(content for content, _ in [*FOUND, *NOT_FOUND]):
        await indexed.node.send(ALICE, content)
    await indexed.catch_up()
    for content, text in FOUND:
        assert content in await indexed.find(BOB, text), (content[:50], text[:50])
    for content, text in NOT_FOUND:
        assert content not in await indexed.find(BOB, text), (content[:50], text[:50])


@pytest.mark.parametrize("text", ["", "   ", "!?", '""', "\u0301", "a" * 1001, "a " * 65, "a\x00b", "\ud800"])
async def test_invalid_queries_of_a_search_are_refused(indexed: Indexed, text: str) -> None:
    assert await indexed.node.refusal(BOB, SearchMessages(text)) == "invalid_request"


# --- rights ---------------------------------------------------------------------------------------------------------


async def test_only_members_find_a_message(indexed: Indexed) -> None:
    node = indexed.node
    await node.group("d", BOB, CAROL)
    await node.send(ALICE, "hello in c")
    await node.send(BOB, "hello in d", to="d")
    await indexed.catch_up()
    assert await indexed.find(ALICE, "hello") == ["hello in c"]
    assert await indexed.find(BOB, "hello") == ["hello in d", "hello in c"]
    assert await indexed.find(BOB, "hello", "c") == ["hello in c"]
    assert await indexed.find(MALLORY, "hello") == []
    assert await node.refusal(ALICE, SearchMessages("hello", "d")) == "forbidden"
    assert await node.refusal(ALICE, SearchMessages("hello", "nowhere")) == "forbidden"


async def test_a_removed_member_finds_nothing_until_they_come_back(indexed: Indexed) -> None:
    node = indexed.node
    await node.send(ALICE, "hello")
    await indexed.catch_up()
    await node.do(ALICE, RemoveMember("c", "bob"))
    assert await indexed.find(BOB, "hello") == []
    await node.do(ALICE, AddMembers("c", ("bob",)))
    assert await indexed.find(BOB, "hello") == ["hello"]


async def test_a_member_with_limited_history_finds_no_earlier_quotes(indexed: Indexed) -> None:
    node = indexed.node
    await node.users(CAROL)
    await node.do(ALICE, UpdateConversation("c", history="from-join"))
    old = await node.send(ALICE, "a secret")
    await node.do(ALICE, AddMembers("c", ("carol",)))
    await node.do(BOB, SendMessage("c", "needle", reply_to_id=str(old.id)))
    await indexed.catch_up()
    for query in (SearchMessages("needle"), SearchMessages("needle", "c")):
        (found,) = (await node.do(CAROL, query)).items
        assert (found.content, found.reply_to) == ("needle", None)
        (seen,) = (await node.do(BOB, query)).items
        assert seen.reply_to is not None


async def test_the_backend_searches_every_conversation(indexed: Indexed) -> None:
    await indexed.node.send(ALICE, "hello")
    await indexed.catch_up()
    assert await indexed.find(BACKEND, "hello") == ["hello"]
    assert await indexed.find(BACKEND, "hello", "c") == ["hello"]


async def test_a_member_of_very_many_conversations_finds_their_messages_only(indexed: Indexed) -> None:
    node = indexed.node
    for number in range(70):
        await node.group(f"many{number}", BOB)
    await node.send(BOB, "hello", to="many69")
    await node.group("d", CAROL)
    await node.send(CAROL, "hello d", to="d")
    await indexed.catch_up()
    assert await indexed.find(BOB, "hello") == ["hello"]


# --- pages ----------------------------------------------------------------------------------------------------------


async def test_pages_continue_where_they_ended_while_messages_are_sent(indexed: Indexed) -> None:
    node = indexed.node
    sent = [await node.send(ALICE, f"hello {number}") for number in range(5)]
    await indexed.catch_up()
    page = await node.do(BOB, SearchMessages("hello", limit=2))
    found = list(page.items)
    await node.send(ALICE, "hello again")
    await indexed.catch_up()
    while page.next is not None:
        page = await node.do(BOB, SearchMessages("hello", limit=2, cursor=page.next))
        assert len(page.items) <= 2
        found += page.items
    assert found == sent[::-1]


async def test_a_page_ends_at_its_limit_of_bytes(indexed: Indexed) -> None:
    for _ in range(10):
        await indexed.node.send(ALICE, "large " * 10_000)
    await indexed.catch_up()
    page = await indexed.node.do(BOB, SearchMessages("large"))
    assert 1 < len(page.items) < 10
    assert page.next is not None


async def test_a_search_is_narrowed_to_a_sender_and_a_time(indexed: Indexed, clock: Clock) -> None:
    node = indexed.node
    start = clock.now_ms
    for sender in (ALICE, BOB, ALICE):
        await node.send(sender, f"hello at {clock.now_ms - start} by {sender.user_id}")
        clock.now_ms += 1000
    await indexed.catch_up()

    async def find(**narrowed: str | int) -> list[str]:
        page = await node.do(BOB, SearchMessages("hello", **narrowed))  # type: ignore[arg-type]  # by name
        return [message.content for message in page.items]

    assert await find(sender_id="alice") == ["hello at 2000 by alice", "hello at 0 by alice"]
    assert await find(before_ms=start + 1000) == ["hello at 0 by alice"]
    assert await find(after_ms=start + 1000) == ["hello at 2000 by alice", "hello at 1000 by bob"]
    assert await find(after_ms=start + 1000, before_ms=start + 2000) == ["hello at 1000 by bob"]
    assert await find(sender_id="nobody") == []


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 19, "\u0663"])
async def test_a_cursor_that_was_not_given_out_is_refused(indexed: Indexed, cursor: str) -> None:
    assert await indexed.node.refusal(BOB, SearchMessages("hello", cursor=cursor)) == "invalid_request"


# --- what changes ---------------------------------------------------------------------------------------------------


async def edit(node: Node, message_id: int, content: str) -> None:
    def record(tx: Transaction) -> None:
        message = tx.message(message_id)
        assert message is not None
        edited = replace(message, content=content, edited_ms=tx.now_ms)
        tx.record(MessageEdited(tx.next_pos(), tx.now_ms, edited))

    await node.do(BACKEND, Call(record))


async def delete(node: Node, message_id: int) -> None:
    def record(tx: Transaction) -> None:
        message = tx.message(message_id)
        assert message is not None
        tombstone = replace(message, content="", deleted_ms=tx.now_ms, deleted_by="alice")
        tx.record(MessageDeleted(tx.next_pos(), tx.now_ms, tombstone))

    await node.do(BACKEND, Call(record))


async def test_an_edited_message_is_found_by_its_new_text(indexed: Indexed) -> None:
    message = await indexed.node.send(ALICE, "the old text")
    await indexed.catch_up()
    await edit(indexed.node, message.id, "the new text")
    await indexed.catch_up()
    assert await indexed.find(BOB, "old") == []
    assert await indexed.find(BOB, "new") == ["the new text"]


async def test_a_deleted_message_and_its_words_are_not_found(indexed: Indexed, database: Database) -> None:
    message = await indexed.node.send(ALICE, "secret")
    await indexed.catch_up()
    await delete(indexed.node, message.id)
    await indexed.catch_up()
    assert await indexed.find(BOB, "secret") == []
    assert await indexed.find(BOB, "the") == []
    with database.engine() as engine, engine.begin() as connection:
        assert connection.execute(sql("SELECT count(*) FROM message_words")).scalar() == 0


async def test_a_lagging_index_shows_no_deleted_messages(node: Node, database: Database) -> None:
    await node.group("c", ALICE, BOB)
    async with indexing(node, database) as indexed:
        edited, deleted = await node.send(ALICE, "one secret"), await node.send(ALICE, "two secret")
        await indexed.catch_up()
    # The follower has ended, so the index still has both.
    await edit(node, edited.id, "one")
    await delete(node, deleted.id)
    assert await indexed.find(BOB, "secret") == []
    assert await indexed.find(BOB, "one") == ["one"]


async def test_a_member_with_limited_history_finds_no_earlier_messages(indexed: Indexed) -> None:
    node = indexed.node
    await node.send(ALICE, "hello before")

    def join(tx: Transaction) -> None:
        member = Member("c", "carol", "member", tx.now_ms, history_seq=1)
        tx.record(MemberAdded(tx.next_pos(), tx.now_ms, "c", (member,)))

    await node.do(BACKEND, EnsureUser("carol", "Carol"))
    await node.do(BACKEND, Call(join))
    await node.send(ALICE, "hello after")
    await indexed.catch_up()
    assert await indexed.find(CAROL, "hello") == ["hello after"]
    assert await indexed.find(CAROL, "hello", "c") == ["hello after"]


async def test_messages_sent_without_an_indexer_are_found_after_a_restart(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.group("c", ALICE, BOB)
        async with indexing(node, database) as indexed:
            await node.send(ALICE, "hello 1")
            await indexed.catch_up()
        await node.send(ALICE, "hello 2")
    async with running(database, clock) as node, indexing(node, database) as indexed:
        await indexed.catch_up()
        assert await indexed.find(BOB, "hello") == ["hello 2", "hello 1"]


# --- anything ------------------------------------------------------------------------------------------------------

PIECES = [
    "a",
    "b",
    "ab",
    "É",
    "e",
    "ß",
    "ss",
    "東",
    "京",
    "東京",
    "が",
    "か",
    "x-y",
    "é\u0301",
    "🎉",
    "İ",
    "ı",
    "und",
    "i",
]
contents = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map(" ".join)
joined = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)
queries = st.one_of(contents, joined, contents.map(lambda text: f'"{text}"'))
people = st.sampled_from([ALICE, BOB, CAROL])
steps = st.one_of(
    st.tuples(st.just("send"), people, st.sampled_from(["c", "d"]), st.one_of(contents, joined)),
    st.tuples(st.just("edit"), st.integers(0, 9), st.one_of(contents, joined)),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.just("remove"), people, st.sampled_from(["c", "d"])),
    st.tuples(st.just("add"), people, st.sampled_from(["c", "d"])),
    st.tuples(st.just("catch up")),
)


async def _carry_out(indexed: Indexed, step: tuple[Any, ...], sent: list[int]) -> None:
    node = indexed.node
    match step:
        case "send", sender, conversation_id, content:
            with suppress(ChatError):
                sent.append((await node.send(sender, content, to=conversation_id)).id)
        case "edit", place, content if place < len(sent):
            await edit(node, sent[place], content)
        case "delete", place if place < len(sent):
            await delete(node, sent.pop(place))
        case "remove", member, conversation_id:
            with suppress(ChatError):
                await node.do(BACKEND, RemoveMember(conversation_id, member.user_id))
        case "add", member, conversation_id:
            with suppress(ChatError):
                await node.do(BACKEND, AddMembers(conversation_id, (member.user_id,)))
        case ("catch up",):
            await indexed.catch_up()


async def _found_by_looking_at_each(node: Node, actor: Actor, query: str) -> list[str]:
    def look(snapshot: Snapshot) -> list[str]:
        terms = terms_of("q", query)
        members = {id_: snapshot.member(id_, actor.user_id) for id_ in ("c", "d")}
        seen = [
            message
            for id_, member in members.items()
            if member is not None
            for message in snapshot.messages(id_, limit=1000)
            if message.deleted_ms is None and message.seq > member.history_seq
        ]
        seen.sort(key=lambda message: message.id, reverse=True)
        return [message.content for message in seen if terms.are_in(message.content)]

    return await node.readers.read(look)


# How many spellings of a beginning are looked up, the effort of rough candidates, and how many of them at a time: also
# so few that each way of finding candidates, and changing it within a page, occurs with a dozen messages.
bounds = st.tuples(st.sampled_from([0, 1, 32]), st.sampled_from([0, 1500, 150_000]), st.sampled_from([2, 100]))


@given(st.lists(steps, max_size=12), st.lists(st.tuples(people, queries), min_size=1, max_size=4), bounds)
@settings(max_examples=repetitions(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_search_finds_what_looking_at_each_message_finds(
    fresh_database: FreshDatabase,
    taken: list[Any],
    asked: list[tuple[Actor, str]],
    bounds: tuple[int, int, int],
) -> None:
    async def check(database: Database) -> None:
        async with running(database, Clock()) as node:
            await node.group("c", ALICE, BOB)
            await node.group("d", BOB, CAROL)
            async with indexing(node, database) as indexed:
                sent: list[int] = []
                for step in taken:
                    await _carry_out(indexed, step, sent)
                await indexed.catch_up()
                for actor, query in asked:
                    assert await indexed.find(actor, query) == await _found_by_looking_at_each(node, actor, query)

    with fresh_database() as database, pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_rows, "SPELLINGS_MAX", bounds[0])
        patch.setattr(search, "ROUGH_EFFORT", bounds[1])
        patch.setattr(search, "CANDIDATES_AT_ONCE", bounds[2])
        asyncio.run(check(database))


@pytest.mark.parametrize("actor", [ALICE, BACKEND])
async def test_a_beginning_of_very_many_words_finds_every_message_page_by_page(
    node: Node, database: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ROUGH_EFFORT", 20_000)  # 40 messages or so; then the index has to name them
    monkeypatch.setattr(search, "CANDIDATES_AT_ONCE", 10)
    await node.group("c", ALICE, BOB)
    await node.group("d", BOB, CAROL)
    sent = [f"word{n}" if n % 3 else f"other{n}" for n in range(search_rows.SPELLINGS_MAX * 4)]
    async with indexing(node, database) as indexed:
        for n, content in enumerate(sent):
            await node.send(BOB, content, to="c" if n % 2 else "d")
        await indexed.catch_up()
        found = []
        cursor = None
        while True:
            page = await node.do(actor, SearchMessages("wor", cursor=cursor, limit=7))
            found += [message.content for message in page.items]
            if (cursor := page.next) is None:
                break
    seen = sent[1::2] if actor is ALICE else sent
    assert found == [content for content in reversed(seen) if content.startswith("wor")]


# --- channels -------------------------------------------------------------------------------------------------------


async def _channel(node: Node, id_: str, name: str, *, public: bool = True, deleted_ms: int | None = None) -> None:
    def create(tx: Transaction) -> None:
        now = tx.now_ms
        channel = Conversation(id_, "channel", name, "alice", 1, 0, now, now, public=public, deleted_ms=deleted_ms)
        owner = Member(id_, "alice", "owner", now)
        tx.record(ConversationCreated(tx.next_pos(), now, channel, (owner,)))

    await node.do(BACKEND, EnsureUser("alice", "Alice"))
    await node.do(BACKEND, Call(create))


async def test_public_conversations_are_found_by_their_names(node: Node) -> None:
    await _channel(node, "c1", "Caf\u00e9 news")
    await _channel(node, "c2", "cafe talk")
    await _channel(node, "c3", "cafe private", public=False)
    await _channel(node, "c4", "cafe gone", deleted_ms=1)
    await node.do(BACKEND, EnsureUser("mallory", "Mallory"))

    async def find(query: str, **options: Any) -> tuple[list[str], str | None]:  # noqa: ANN401 (by name)
        page = await node.do(MALLORY, FindPublicConversations(query, **options))
        return [channel.id for channel in page.items], page.next

    assert await find("CAFE") == (["c1", "c2"], None)
    assert await find("news caf") == (["c1"], None)
    assert await find("private") == ([], None)
    assert await find(" ") == (["c1", "c2"], None)
    assert await find("cafe", limit=1) == (["c1"], "c1")
    assert await find("cafe", limit=1, cursor="c1") == (["c2"], None)
    # By its id, which a link contains.
    assert await find("c2") == (["c2"], None)
    assert await find("c3") == ([], None)
    assert await find("c4") == ([], None)


async def test_public_groups_are_found_joined_and_written_in(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice",), "Lounge", "lounge", owner_id="alice"))
    await node.users(MALLORY)
    join = AddMembers("lounge", ("mallory",))
    assert await node.refusal(MALLORY, join) == "forbidden"
    await node.do(ALICE, UpdateConversation("lounge", public=True))
    found = await node.do(MALLORY, FindPublicConversations("loun"))
    assert [each.id for each in found.items] == ["lounge"]
    await node.do(MALLORY, join)
    await node.send(MALLORY, "Hello", to="lounge")
    # A removed member can come back, a banned one cannot.
    await node.do(ALICE, RemoveMember("lounge", "mallory"))
    await node.do(MALLORY, join)
    await node.do(ALICE, RestrictMember("lounge", "mallory", "ban"))
    assert await node.refusal(MALLORY, join) == "banned"
    await node.do(ALICE, UpdateConversation("lounge", public=False))
    assert (await node.do(MALLORY, FindPublicConversations("loun"))).items == ()


async def test_one_request_examines_a_limited_number_of_public_conversations(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PUBLIC_MAX", 2)
    for id_, name in (("c1", "tea"), ("c2", "tea"), ("c3", "cafe")):
        await _channel(node, id_, name)
    first = await node.do(ALICE, FindPublicConversations("cafe"))
    assert (first.items, first.next) == ((), "c2")
    second = await node.do(ALICE, FindPublicConversations("cafe", cursor=first.next))
    assert ([channel.id for channel in second.items], second.next) == (["c3"], None)
