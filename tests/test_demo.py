"""What `--demo` adds to an empty database, and which databases it leaves unchanged."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from talkwire.demo import ACCOUNT_EMAIL, ACCOUNT_PASSWORD, PEOPLE, fill_empty
from talkwire.demo.attached_files import dusk, portrait
from talkwire.demo.company import ROOMS
from talkwire.demo.script import Attached, ScriptedMessage
from talkwire.files.byte_store import ByteStore
from talkwire.identity.passwords import Passwords
from talkwire.storage.engine import sqlite_url, writing_engine
from talkwire.storage.lineage import adopt_log
from talkwire.storage.migrations import migrate
from tests.chat.chat_server import ServerProcess, running_chat
from tests.http_client import HttpClient, http_get, http_post
from tests.waiting import wait_until

Json = dict[str, Any]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("demo"), {"TALKWIRE_DEMO": "true"}) as server:
        yield server
        assert server.logged_errors() == []


@pytest.mark.parametrize("picture", [*map(portrait, PEOPLE), dusk()], ids=[*(person.id for person in PEOPLE), "dusk"])
def test_a_picture_has_the_size_of_its_record(picture: Attached) -> None:
    with Image.open(BytesIO(picture.content)) as opened:
        assert (opened.size, opened.format) == ((picture.width, picture.height), "WEBP")


def get(server: ServerProcess, path: str, user_id: str | None = "maya") -> httpx.Response:
    params = None if user_id is None else {"userId": user_id}
    return http_get(server.url + path, params=params)


def messages_of(server: ServerProcess, room: str, user_id: str = "maya") -> list[Json]:
    found: list[Json] = get(server, f"/api/v1/conversations/{room}/messages", user_id).json()["items"]
    return found


def rooms_of(server: ServerProcess, user_id: str) -> dict[str, Json]:
    return {each["id"]: each for each in get(server, "/api/v1/conversations", user_id).json()["items"]}


def test_the_page_offers_the_people_of_the_company(demo: ServerProcess) -> None:
    offered = get(demo, "/demo.json", None).json()
    assert offered["open"] is True
    assert [(each["id"], each["name"], each["role"]) for each in offered["users"]] == [
        (person.id, person.name, person.role) for person in PEOPLE
    ]
    for each in offered["users"]:
        picture = get(demo, each["picture"], None)
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/webp")


def test_demo_users_have_conversations_with_unread_messages(demo: ServerProcess) -> None:
    for person in PEOPLE:
        rooms = rooms_of(demo, person.id)
        assert rooms.keys() == {room.id for room in ROOMS if person.id in room.members}
        unread = {id_: room["unreadCount"] for id_, room in rooms.items() if room["unreadCount"]}
        assert unread == {room.id: room.unread[person.id] for room in ROOMS if person.id in room.unread}
    kinds = {room["kind"] for room in rooms_of(demo, "maya").values()}
    assert kinds == {"direct", "group", "channel"}


def test_the_first_person_has_a_favourite_and_a_section(demo: ServerProcess) -> None:
    rooms = rooms_of(demo, PEOPLE[0].id)
    assert [id_ for id_, room in rooms.items() if room.get("favourite")] == ["heron-launch"]
    assert {id_: room["section"] for id_, room in rooms.items() if room.get("section")} == {
        "cafe-sperling": "Customers"
    }
    assert not [room for room in rooms_of(demo, "jonah").values() if room.get("favourite") or room.get("section")]


def test_the_story_has_threads_replies_reactions_files_pins_mentions_and_an_offer(demo: ServerProcess) -> None:
    messages = messages_of(demo, "heron-launch")
    assert {"replyTo", "threadId", "reactions", "attachments", "pinned", "mentions"} <= {
        key for message in messages for key, value in message.items() if value
    }
    files = [file for message in messages for file in message.get("attachments", ())]
    assert [file["contentType"] for file in files] == ["text/csv", "application/pdf", "image/webp"]
    for file in files:
        assert len(get(demo, file["url"]).content) == file["size"]
    assert get(demo, files[2]["thumbnailUrl"]).status_code == 200
    (offer,) = get(demo, "/api/v1/conversations/cafe-sperling/offers").json()["items"]
    assert (offer["status"], offer["amount"]) == ("pending", 1_214_000)


def test_the_story_is_spread_over_the_days_before_the_start(demo: ServerProcess) -> None:
    messages = [message for room in ROOMS for message in messages_of(demo, room.id, room.members[0])]
    days = {message["createdAt"][:10] for message in messages}
    minutes = [message["createdAt"][:16] for message in messages]
    assert len(days) >= 5
    assert len(set(minutes)) > len(minutes) * 0.9
    assert max(message["createdAt"] for message in messages) < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


def test_the_users_of_the_snippets_are_not_among_the_people(demo: ServerProcess) -> None:
    for user_id, room in (("user-123", "conv-456"), ("test", "test-conv"), ("123", "1"), ("alice", "general")):
        assert rooms_of(demo, user_id)[room]["kind"] == "group"
        assert messages_of(demo, room, user_id) == []
    with HttpClient(base_url=demo.url) as http:
        body = {"email": ACCOUNT_EMAIL, "password": ACCOUNT_PASSWORD}
        assert http.post("/api/v1/auth/login", json=body).status_code == 200


def test_the_agent_answers_those_who_write_to_it(demo: ServerProcess) -> None:
    question = {"conversationId": "orders", "content": "Where is order 2107?"}
    http_post(f"{demo.url}/api/v1/messages", json=question, params={"userId": "priya"}).raise_for_status()

    def answer() -> Json | None:
        *_, last = messages_of(demo, "orders", "priya")
        return last if last.get("state") == "done" else None

    found = wait_until(answer)
    assert found is not None
    assert (found["senderId"], found["replyTo"]["content"]) == ("workshop-assistant", "Where is order 2107?")
    assert "Heron, blue" in found["content"]


def test_another_start_changes_nothing(tmp_path: Path) -> None:
    environment = {"TALKWIRE_DEMO": "true"}
    with running_chat(tmp_path, environment) as first:
        before = [(room.id, messages_of(first, room.id, room.members[0])) for room in ROOMS]
    log = events_in(tmp_path)
    with running_chat(tmp_path, environment) as second:
        assert [(room.id, messages_of(second, room.id, room.members[0])) for room in ROOMS] == before
    assert events_in(tmp_path)[: len(log)] == log
    assert not [kind for kind in events_in(tmp_path)[len(log) :] if kind.startswith(("Message", "Conversation"))]


def test_a_database_with_other_data_stays_as_it_is(tmp_path: Path) -> None:
    with running_chat(tmp_path, {"TALKWIRE_INSECURE_DEV_AUTH": "on"}) as server:
        assert get(server, "/api/v1/users/me", "somebody").status_code == 200
    log = events_in(tmp_path)
    with running_chat(tmp_path, {"TALKWIRE_DEMO": "true"}) as server:
        assert get(server, "/demo.json", None).json() == {"open": True, "users": []}
        assert "demo_not_added" in (tmp_path / "server.log").read_text()
    assert events_in(tmp_path) == log


def events_in(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "data" / "talkwire.db")) as database:
        rows = database.execute("SELECT type FROM log ORDER BY pos").fetchall()
    return [str(kind) for (kind,) in rows]


class Interrupted(Exception):
    pass


class FailingStore(ByteStore):
    """Fails when it keeps a file for the `fails_at`-th time, as a process that is killed there."""

    def __init__(self, place: Path, fails_at: int) -> None:
        super().__init__(place)
        self._left = fails_at

    async def put(self, place: Any, source: Path) -> None:  # noqa: ANN401 (ByteStore's)
        self._left -= 1
        if self._left == 0:
            raise Interrupted
        await super().put(place, source)


async def test_a_filling_that_was_interrupted_continues_at_the_next_start(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "talkwire.db")
    engine = writing_engine(url)
    migrate(engine)
    adopt_log(engine)
    engine.dispose()
    passwords = Passwords()
    try:
        for fails_at in (3, 17):
            with pytest.raises(Interrupted):
                await fill_empty(url, FailingStore(tmp_path / "files", fails_at), passwords)
        assert await fill_empty(url, ByteStore(tmp_path / "files"), passwords)
    finally:
        passwords.close()
    with closing(sqlite3.connect(tmp_path / "talkwire.db")) as database:
        ((sent,),) = database.execute("SELECT count(*) FROM log WHERE type = 'MessageSent'").fetchall()
    assert sent == sum(isinstance(part, ScriptedMessage) for room in ROOMS for part in room.story)
