"""`BlockingTalkwire`: the client for programs without asyncio."""

from __future__ import annotations

import inspect
import multiprocessing
import threading
from collections.abc import Iterator
from multiprocessing.queues import Queue

import pytest

from talkwire_client import BlockingTalkwire, Talkwire, TalkwireError
from tests.chat.chat_server import ServerProcess
from tests.clients_python.conftest import MAX_PAUSE_S
from tests.protocol.server_process import reserved_port
from tests.waiting import DEADLINE_S


@pytest.fixture
def shop(chat_server: ServerProcess) -> Iterator[BlockingTalkwire]:
    token = chat_server.token("backend", role="service")
    with BlockingTalkwire(chat_server.url, token=token, max_pause_s=MAX_PAUSE_S, timeout_s=DEADLINE_S) as chat:
        yield chat


def test_it_has_the_calls_of_the_client_with_their_parameters() -> None:
    for name, call in inspect.getmembers(Talkwire, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(getattr(BlockingTalkwire, name)) == inspect.signature(call), name
    assert BlockingTalkwire.cursor.__doc__


def test_a_view_sends_and_reads(shop: BlockingTalkwire) -> None:
    shop.put_user("ann", name="Ann")
    room = shop.create_conversation("group", ["ann"], owner_id="ann")
    for number in range(120):
        shop.send(room["id"], str(number), sender_id="ann")
    assert [message["content"] for message in shop.history(room["id"])] == [
        str(number) for number in range(119, -1, -1)
    ]
    assert shop.request("GET", f"conversations/{room['id']}")["id"] == room["id"]
    assert shop.request("GET", f"/api/v1/conversations/{room['id']}")["id"] == room["id"]
    with pytest.raises(TalkwireError) as refused:
        shop.message("no-such-message")
    assert refused.value.status == 404


def test_events_are_followed_from_a_cursor(shop: BlockingTalkwire) -> None:
    cursor = shop.cursor
    room = shop.create_conversation("group", ["ann"], owner_id="ann")
    shop.send(room["id"], "Hello!", sender_id="ann")
    for event in shop.events(after=cursor, conversation_id=room["id"], types=["message:new"]):
        assert event.type == "message:new"
        assert event.data["content"] == "Hello!"
        break


def test_threads_share_a_client_that_is_never_entered(chat_server: ServerProcess) -> None:
    chat = BlockingTalkwire(chat_server.url, token=chat_server.token("backend", role="service"), timeout_s=DEADLINE_S)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(chat.put_user("ann", name="Ann")["id"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert found == ["ann"] * 8
    with pytest.raises(RuntimeError, match="with"):
        next(chat.events())
    chat.close()


def test_a_forked_process_has_connections_of_its_own(shop: BlockingTalkwire) -> None:
    shop.put_user("ann", name="Ann")
    fork = multiprocessing.get_context("fork")
    answers: Queue[str] = fork.Queue()
    child = fork.Process(target=lambda: answers.put(shop.user("ann")["name"]))
    child.start()
    assert answers.get(timeout=DEADLINE_S) == "Ann"
    child.join(DEADLINE_S)
    assert shop.user("ann")["name"] == "Ann"


def test_a_call_ends_when_its_time_is_over() -> None:
    chat = BlockingTalkwire(
        f"http://127.0.0.1:{reserved_port()}", token="token", timeout_s=0.3, max_pause_s=MAX_PAUSE_S
    )
    with pytest.raises(TalkwireError) as ended:
        chat.send("room", "Hello!")
    assert ended.value.code == "unavailable"
    chat.close()
    with pytest.raises(TalkwireError), chat:
        pass
