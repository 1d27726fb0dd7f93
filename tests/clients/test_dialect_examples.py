"""The clients of `examples/dialects`, with the oldest and newest supported official client, against a demo server. The
other user is bob, who uses the messenger dialect.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from talkwire.demo import ACCOUNT_EMAIL, ACCOUNT_ID, ACCOUNT_PASSWORD
from tests.chat.chat_client import ChatClient, open_client
from tests.chat.chat_server import ServerProcess, running_chat
from tests.http_client import AsyncHttpClient
from tests.waiting import deadline

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples" / "dialects"

Json = dict[str, Any]

QUICK_DEMO = {"TALKWIRE_DEMO": "true", "TALKWIRE_PRESENCE_GRACE_S": "0.3"}
"""A short grace period, so that users go offline quickly."""


@pytest.fixture(scope="module", params=["socket.io-client", "socket.io-client-4.5.4"])
def library(request: pytest.FixtureRequest) -> Path:
    """Returns one of the official clients."""
    folder = HERE / "node_modules" / str(request.param)
    if not folder.is_dir():
        pytest.fail("the official clients are not installed: run make install")
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demo. To fill one takes longer than the rest of a server's start."""
    folder = tmp_path_factory.mktemp("filled")
    with running_chat(folder, QUICK_DEMO) as server:
        return server.data


@contextmanager
def running_demo(filled: Path, folder: Path, **environment: str) -> Iterator[ServerProcess]:
    """Yields `talkwire serve --demo`. Each test has its own, in which nobody typed a moment ago: others would receive
    nothing when the same user types again.
    """
    shutil.copytree(filled, folder / "data")
    with running_chat(folder, QUICK_DEMO | environment) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
def demo(filled: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    with running_demo(filled, tmp_path) as server:
        yield server


@pytest.fixture
def talks_demo(filled: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    with running_demo(filled, tmp_path, TALKWIRE_DIALECT="talks") as server:
        yield server


@pytest.fixture
def gateway_demo(filled: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    with running_demo(filled, tmp_path, TALKWIRE_DIALECT="gateway") as server:
        yield server


@pytest.fixture
def examples(library: Path, tmp_path: Path) -> Path:
    """The examples' folder, where a user would have installed the client."""
    folder = tmp_path / "dialects"
    shutil.copytree(EXAMPLES, folder)
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "socket.io-client").symlink_to(library)
    return folder


class Script:
    """A running example and the lines that it prints."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._shown: list[tuple[str, Json]] = []

    async def shows(self, name: str, **members: object) -> Json:
        """The next of this name, which has these members; what was shown before it stays to be asked for."""
        async with deadline():
            while True:
                for index, (shown, value) in enumerate(self._shown):
                    if shown == name and all(value.get(key) == member for key, member in members.items()):
                        del self._shown[index]
                        return value
                await self._read()

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        assert line, f"the example ended with {await self.process.wait()}; it had shown {self._shown}"
        start = line.find("{")
        self._shown.append((line[:start].strip(), json.loads(line[start:])))


@asynccontextmanager
async def running(examples: Path, name: str, *arguments: str) -> AsyncIterator[Script]:
    node = shutil.which("node")
    assert node is not None, "these tests run the official JavaScript client and need node (20 or later)"
    process = await asyncio.create_subprocess_exec(node, str(examples / name), *arguments, stdin=PIPE, stdout=PIPE)
    try:
        yield Script(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def bob_at(server: ServerProcess) -> AsyncIterator[ChatClient]:
    bob = await open_client(server.websocket_url)
    await bob.sign_in({"userId": "bob", "dialect": "messenger"})
    await bob.next("connected")
    try:
        yield bob
    finally:
        await bob.close()
    assert bob.undescribed == set()


async def hears_of_reading(bob: ChatClient, user_id: str, message_id: str) -> None:
    """Waits until bob receives that a user has read a message."""
    while (receipt := await bob.next("message:read:receipt"))["userId"] != user_id or receipt[
        "messageId"
    ] != message_id:
        pass


async def signed_in(server: ServerProcess) -> str:
    """The token of the demo's account."""
    async with AsyncHttpClient(base_url=server.url) as http:
        body = {"email": ACCOUNT_EMAIL, "password": ACCOUNT_PASSWORD}
        return str((await http.post("/api/v1/auth/login", json=body)).json()["token"])


async def test_the_messenger_example(demo: ServerProcess, examples: Path) -> None:
    async with bob_at(demo) as bob, running(examples, "messenger.mjs", demo.url, demo.token("alice")) as script:
        assert (await script.shows("connected"))["userId"] == "alice"
        assert (await script.shows("conversation:join ->"))["success"] is True
        assert [(await bob.next("typing:user"))["isTyping"] for _ in range(2)] == [True, False]
        sent = await bob.next("message:new")
        assert (sent["senderId"], sent["conversationId"], sent["content"]) == ("alice", "general", "Hello by socket")
        await script.shows("message:new", id=sent["id"])
        assert (await bob.next("message:updated"))["content"] == "Hello again"
        assert (await bob.next("message:reaction:new"))["emoji"] == "👋"
        over_rest = await bob.next("message:new")
        assert over_rest["content"] == "Hello over REST"
        assert (await bob.next("message:deleted"))["messageId"] == over_rest["id"]
        await script.shows("message:deleted", messageId=over_rest["id"])

        answer = await bob.send_message("general", "Hello, Alice")
        await script.shows("message:new", id=answer["id"], content="Hello, Alice")
        await hears_of_reading(bob, "alice", answer["id"])
        await bob.done("typing:start", {"conversationId": "general"})
        await script.shows("typing:user", userId="bob", isTyping=True)


@pytest.mark.parametrize("at", ["/talks", "/"])
async def test_the_talks_example(request: pytest.FixtureRequest, examples: Path, at: str) -> None:
    server: ServerProcess = request.getfixturevalue("talks_demo" if at == "/" else "demo")
    url = server.url + at.removesuffix("/")
    async with bob_at(server) as bob, running(examples, "talks.mjs", url, await signed_in(server)) as script:
        assert (await script.shows("connected"))["userId"] == ACCOUNT_ID
        joined = await script.shows("join-conversation ->", success=True)
        assert joined["conversationId"] == "talk-123"
        assert [(await bob.next("typing:user"))["isTyping"] for _ in range(2)] == [True, False]
        sent = await bob.next("message:new")
        assert (sent["senderId"], sent["content"]) == (ACCOUNT_ID, "Hello by socket")
        assert [each["url"] for each in sent["attachments"]] == ["https://example.com/plan.pdf"]
        await script.shows("message", id=sent["id"], attachments=["https://example.com/plan.pdf"])
        assert (await bob.next("message:new"))["content"] == "Hello over REST"
        await script.shows("message", content="Hello over REST")

        answer = await bob.send_message("talk-123", "Hello to you")
        await script.shows("message", id=answer["id"], userId="bob", content="Hello to you")
        await hears_of_reading(bob, ACCOUNT_ID, answer["id"])
        await bob.done("typing:start", {"conversationId": "talk-123"})
        await script.shows("typing", userId="bob", username="bob", isTyping=True)
        await bob.done("message:read", {"conversationId": "talk-123"})
        assert "readAt" in await script.shows("read", userId="bob")

        offer = {"conversationId": "talk-123", "title": "A bicycle", "amount": 9900, "currency": "EUR"}
        offer_id = (await bob.done("offer:create", offer))["offer"]["id"]
        assert (await script.shows("offer-created", offerId=offer_id))["offer"]["title"] == "A bicycle"
        assert (await bob.next("offer:updated"))["status"] == "accepted"
        await script.shows("offer-update", offerId=offer_id, status="accepted")

        script.process.terminate()
        await script.process.wait()


@pytest.mark.parametrize("at", ["/talks", "/"])
async def test_the_talks_console(request: pytest.FixtureRequest, examples: Path, at: str) -> None:
    server: ServerProcess = request.getfixturevalue("talks_demo" if at == "/" else "demo")
    arguments = (server.url + at.removesuffix("/"), await signed_in(server))
    async with bob_at(server) as bob, running(examples, "talks-console.mjs", *arguments) as console:
        assert (await console.shows("connected"))["userId"] == ACCOUNT_ID
        console.type("joinConversation('talk-123')")
        await console.shows("join-conversation ->", success=True, conversationId="talk-123")
        console.type("sendTyping('talk-123', true)")
        await console.shows("typing ->", success=True)
        assert (await bob.next("typing:user"))["isTyping"] is True
        console.type("sendMessage('talk-123', 'Hello World!')")
        await console.shows("message ->", success=True)
        assert (await bob.next("message:new"))["content"] == "Hello World!"
        await console.shows("message", content="Hello World!")

        answer = await bob.send_message("talk-123", "Hello to you")
        await console.shows("message", content="Hello to you")
        console.type("markAsRead('talk-123')")
        await console.shows("read ->", success=True)
        await hears_of_reading(bob, ACCOUNT_ID, answer["id"])
        console.type("leaveConversation('talk-123')")
        await console.shows("leave-conversation ->", success=True)
        await bob.send_message("talk-123", "Are you there?")
        await console.shows("new-message", conversationId="talk-123")
        console.type("joinConversation('nowhere')")
        assert (await console.shows("join-conversation ->", success=False))["error"]["code"] == "forbidden"
        console.type(".exit")
        assert await console.process.wait() == 0


@pytest.mark.parametrize(("user_id", "conversation"), [("user-123", "conv-456"), ("test", "test-conv")])
async def test_the_whatsapp_example_by_name_alone(
    demo: ServerProcess, examples: Path, user_id: str, conversation: str
) -> None:
    arguments = (demo.url, "", conversation, user_id)
    async with bob_at(demo) as bob, running(examples, "whatsapp.mjs", *arguments) as script:
        await script.shows("connect")
        await script.shows("conversation:join ->", success=True)
        assert [(await bob.next("typing:user"))["isTyping"] for _ in range(2)] == [True, False]
        sent = [await bob.next("message:new") for _ in range(2)]
        assert [message["content"] for message in sent] == ["Hello over REST", "Hello by socket"]
        assert {message["senderId"] for message in sent} == {user_id}
        for message in sent:
            received = await script.shows("message:received", id=message["id"])
            assert received["content"] == {"text": message["content"]}
        await bob.done("message:read", {"conversationId": conversation})
        for message in sent:
            await script.shows("message:status", messageId=message["id"], userId="bob", status="read")

        answer = await bob.send_message(conversation, "Hello to you")
        await script.shows("message:received", id=answer["id"], senderId="bob")
        # Bob's own heartbeats also prove deliveries.
        while (await bob.next("message:delivered:receipt"))["userId"] != user_id:
            pass
        await hears_of_reading(bob, user_id, answer["id"])
        await bob.done("typing:start", {"conversationId": conversation})
        await script.shows("typing:start", userId="bob", isTyping=True)
        await bob.done("typing:stop", {"conversationId": conversation})
        await script.shows("typing:stop", userId="bob", isTyping=False)


async def test_the_whatsapp_example_with_a_token(demo: ServerProcess, examples: Path) -> None:
    arguments = (demo.url, demo.token("user-123"), "conv-456")
    async with bob_at(demo) as bob, running(examples, "whatsapp.mjs", *arguments) as script:
        await script.shows("conversation:join ->", success=True)
        assert (await bob.next("message:new"))["content"] == "Hello over REST"


async def test_the_crm_example(demo: ServerProcess, examples: Path) -> None:
    async with bob_at(demo) as bob, running(examples, "crm.mjs", demo.url, demo.token("123")) as script:
        for _ in range(3):  # by auth, header and query
            signed_in = await script.shows("authenticate ->", success=True)
            assert signed_in["userId"] == 123
        await script.shows("joinChat ->", success=True, message="Joined chat 1")
        sent = await bob.next("message:new")
        assert (sent["senderId"], sent["conversationId"], sent["content"]) == ("123", "1", "Hello by socket")
        assert [(await bob.next("typing:user"))["isTyping"] for _ in range(2)] == [True, False]
        data = (await script.shows("sendMessage ->", success=True))["data"]
        assert (data["id"], data["chatId"], data["senderId"]) == (int(sent["id"]), 1, 123)
        printed = await script.shows("newMessage", chatId=1)
        assert printed["message"]["message"] == "Hello by socket"
        assert (await script.shows("messageUpdated", chatId=1))["message"]["message"] == "Hello again"
        assert isinstance((await script.shows("ping ->"))["pong"], int)
        assert (await bob.next("message:new"))["content"] == "Hello over REST"
        assert (await script.shows("newMessage"))["message"]["message"] == "Hello over REST"

        answer = await bob.send_message("1", "Hello to you")
        assert (await script.shows("newMessage"))["message"]["senderId"] == "bob"
        await hears_of_reading(bob, "123", answer["id"])
        await bob.done("typing:start", {"conversationId": "1"})
        await script.shows("userTyping", chatId=1, userId="bob", isTyping=True)
        await bob.done("message:read", {"conversationId": "1"})
        await script.shows("messageRead", chatId=1, userId="bob")
        await bob.done("message:delete", {"messageId": answer["id"]})
        await script.shows("messageDeleted", chatId=1, messageId=int(answer["id"]))


@pytest.mark.parametrize("at", ["/gateway", "/"])
async def test_the_gateway_examples(request: pytest.FixtureRequest, examples: Path, at: str) -> None:
    server: ServerProcess = request.getfixturevalue("gateway_demo" if at == "/" else "demo")
    arguments = (server.url + at.removesuffix("/"), server.token("carol"), "general")
    backend = (server.url, server.token("backend", role="service"), "carol", "nobody")
    async with bob_at(server) as bob, running(examples, "gateway.mjs", *arguments) as script:
        welcome = await script.shows("connected")
        assert welcome["message"] == "Successfully connected to WebSocket"
        assert welcome["userId"] == "carol"
        await script.shows("connected by header", userId="carol")
        received = await script.shows("messageReceived", success=True, message="Message received by server")
        assert received["data"]["receivedMessage"] == "Hello, server"
        sent = await bob.next("message:new")
        assert (sent["senderId"], sent["content"]) == ("carol", "Hello, everybody")

        await bob.send_message("general", "Hello, Carol")
        await script.shows("notification", type="message", title="bob", body="Hello, Carol")

        async with running(examples, "gateway-backend.mjs", *backend) as example:
            assert "carol" in (await example.shows("GET /api/gateway/connected ->"))["connectedUsers"]
            assert (await example.shows("GET /api/gateway/stats ->"))["connectedUsers"] >= 1
            assert await example.shows("GET /api/gateway/status/carol ->") == {"userId": "carol", "connected": True}
            answer = {"success": True, "message": "Message sent to user carol"}
            assert await example.shows("POST /api/gateway/send ->") == answer
            many = await example.shows("POST /api/gateway/send-many ->")
            assert many == {"success": True, "message": "Message sent to 1 users", "userIds": ["carol"]}
            assert (await example.shows("POST /api/gateway/send ->"))["stored"] is True
        assert (await script.shows("notification", title="Your order"))["body"] == "It is on its way"
        await script.shows("announcement", body="We close at six")


@pytest.mark.parametrize("at", ["/gateway", "/"])
async def test_the_gateway_example_in_a_room(request: pytest.FixtureRequest, examples: Path, at: str) -> None:
    server: ServerProcess = request.getfixturevalue("gateway_demo" if at == "/" else "demo")
    here = {"conversationId": "general"}
    async with bob_at(server) as bob:
        await bob.send_message("general", "Before")
        arguments = (server.url + at.removesuffix("/"), server.token("carol"), "general")
        async with running(examples, "gateway-rooms.mjs", *arguments) as script:
            answer = await script.shows("joinRoom ->", success=True, message="Joined room general")
            assert (answer["data"], await script.shows("roomJoined")) == (here, answer)
            history = await script.shows("getHistory ->", success=True)
            assert history["data"]["messages"][-1]["message"] == "Before"
            assert (await script.shows("history"))["data"] == {**history["data"], **here}
            presence = await script.shows("getPresence ->", success=True)
            assert await script.shows("presence") == presence
            assert ("bob", "online") in [(each["userId"], each["status"]) for each in presence["data"]["users"]]
            await script.shows("startTyping ->", success=True)
            assert [(await bob.next("typing:user"))["isTyping"] for _ in range(2)] == [True, False]
            sent = await bob.next("message:new")
            while sent["senderId"] != "carol":
                sent = await bob.next("message:new")
            assert sent["content"] == "Hello, room"
            await script.shows("roomMessage", id=sent["id"], senderId="carol", message="Hello, room")
            await script.shows("markRead ->", success=True)

            answer = await bob.send_message("general", "Hello, Carol")
            await script.shows("roomMessage", id=answer["id"], senderName="bob", message="Hello, Carol")
            await hears_of_reading(bob, "carol", answer["id"])
            await bob.done("typing:start", here)
            await script.shows("typing", **here, userId="bob", isTyping=True)
            await bob.done("message:read", here)
            await script.shows("messagesRead", userId="bob", messageId=answer["id"])
            await bob.done("message:edit", {"messageId": answer["id"], "content": "Hi, Carol"})
            await script.shows("messageUpdated", id=answer["id"], message="Hi, Carol")
            await bob.done("message:delete", {"messageId": answer["id"]})
            await script.shows("messageDeleted", messageId=answer["id"])
            async with running(examples, "gateway-rooms.mjs", arguments[0], server.token("alice")) as other:
                await script.shows("userOnline", userId="alice")
                await script.shows("userJoined", userId="alice")
                await other.shows("markRead ->", success=True)
                other.process.send_signal(signal.SIGINT)
                await other.shows("leaveRoom ->", success=True, message="Left room general")
            await script.shows("userLeft", userId="alice")
            await script.shows("userOffline", userId="alice")


@pytest.mark.parametrize("at", ["/gateway", "/"])
async def test_the_gateway_sends_an_error_to_clients_without_a_valid_token(
    request: pytest.FixtureRequest, examples: Path, at: str
) -> None:
    server: ServerProcess = request.getfixturevalue("gateway_demo" if at == "/" else "demo")
    async with running(examples, "gateway.mjs", server.url + at.removesuffix("/"), "nonsense") as script:
        assert await script.shows("error") == {"message": "Authentication failed"}
        await script.shows("disconnect", reason="io server disconnect")


@pytest.mark.parametrize(("name", "path"), [("messenger", ""), ("talks", "/talks"), ("whatsapp", ""), ("crm", "")])
async def test_the_others_receive_the_reason_of_a_refusal(
    demo: ServerProcess, examples: Path, name: str, path: str
) -> None:
    async with running(examples, f"{name}.mjs", demo.url + path, "nonsense") as script:
        error = await script.shows("connect_error")
        assert error.pop("reason").startswith("The token is opaque")
        assert error == {"message": "Authentication failed", "code": "unauthenticated"}
