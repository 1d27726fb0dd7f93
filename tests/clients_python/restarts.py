"""A server that is killed and started again, a network that is cut, clients whose tokens fail, and a copy of the chat
made from events."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from talkwire_client import AnyEvent, Talkwire
from tests.chat.chat_server import ChatAddress, ServerProcess, running_chat
from tests.protocol.server_process import reserved_port

DEADLINE_S = 120.0

Json = dict[str, Any]


class FragileServer:
    """A server on a fixed port and with one database, through any number of processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = reserved_port()
        self._running = ExitStack()
        self.process: ServerProcess | None = None

    async def start(self) -> ServerProcess:
        # In a thread, so that clients meet a server that does not respond yet.
        self.process = await asyncio.to_thread(self._running.enter_context, running_chat(self._folder, port=self.port))
        return self.process

    async def kill(self) -> None:
        """Kills the server with SIGKILL."""
        await asyncio.to_thread(self._running.close)


class Network:
    """The way from a client to a server, which can be cut while the server runs."""

    def __init__(self, server: FragileServer) -> None:
        self.address = ChatAddress(f"http://127.0.0.1:{reserved_port()}")
        self._server_port = server.port
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None

    async def restore(self) -> None:
        port = int(self.address.url.rpartition(":")[2])
        self._listener = await asyncio.start_server(self._connect, "127.0.0.1", port)

    async def cut(self) -> None:
        """Ends all connections, and refuses new ones."""
        assert self._listener is not None
        self._listener.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(self._forward(reader, to_server), self._forward(from_server, writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError):
            while received := await reader.read(65536):
                writer.write(received)
        writer.close()
        self._writers.discard(writer)


class Retries(logging.Handler):
    """Notices when clients have found that the server does not respond."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._noticed = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self._noticed.set()

    async def wait_for_one_more(self) -> None:
        self._noticed.clear()
        async with asyncio.timeout(DEADLINE_S):
            await self._noticed.wait()


class FailingTokens:
    """A token function that fails twice before it returns a token, each time. Its tokens live for a few seconds."""

    def __init__(self, user_id: str, role: str | None = None, ttl_s: float = 3) -> None:
        self.renewed = 0
        self._failures = 0
        self._user_id = user_id
        self._role = role
        self._ttl_s = ttl_s

    async def __call__(self) -> str:
        await asyncio.sleep(0)
        if self._failures < 2:
            self._failures += 1
            raise OSError("no token")
        self._failures = 0
        self.renewed += 1
        return ServerProcess.token(self._user_id, ttl_s=self._ttl_s, role=self._role)


class Copy:
    """What a program makes of events: all conversations with their members and messages.

    A user's program loads a conversation when the user becomes a member, since events from before are not repeated.
    """

    def __init__(self, user_id: str | None) -> None:
        self.user_id = user_id
        """None for the service."""
        self.cursor = ""
        self._conversations: dict[str, Json] = {}

    async def load(self, chat: Talkwire) -> Copy:
        """Loads everything."""
        state = await chat.load()
        self.cursor = state.cursor
        self._conversations = {}
        for conversation in state.conversations:
            await self._load(chat, conversation["id"])
        return self

    async def _load(self, chat: Talkwire, conversation_id: str) -> None:
        about = await chat.conversation(conversation_id)
        self._conversations[conversation_id] = {
            "name": about.get("name"),
            "members": {member["userId"]: (member["role"], member["readSeq"]) for member in about.get("members", ())},
            "messages": {message["id"]: _message(message) async for message in chat.history(conversation_id)},
        }

    def view(self) -> dict[str, Json]:
        return self._conversations

    async def apply(self, event: AnyEvent, chat: Talkwire) -> None:
        """Applies an event and keeps its cursor."""
        id_ = event.conversation_id or ""
        added = {member["userId"] for member in event.data["members"]} if event.type == "member:added" else set()
        if self.user_id is not None and (event.type == "conversation:new" or self.user_id in added):
            await self._load_if_member(chat, id_)
        elif event.type == "conversation:new":
            members = {member["userId"]: ("member", 0) for member in event.data.get("members", ())}
            self._conversations[id_] = {"name": event.data.get("name"), "members": members, "messages": {}}
            self._put_members(id_, list(event.data.get("members", ())))
        elif id_ in self._conversations:
            self._apply_to(self._conversations[id_], event)
        self.cursor = event.cursor

    async def _load_if_member(self, chat: Talkwire, conversation_id: str) -> None:
        """Loads a conversation that the user may have left again since the event."""
        self._conversations.pop(conversation_id, None)
        mine = {conversation["id"] async for conversation in chat.conversations()}
        if conversation_id in mine:
            await self._load(chat, conversation_id)

    def _put_members(self, conversation_id: str, members: list[Any]) -> None:
        known = self._conversations[conversation_id]["members"]
        known |= {member["userId"]: (member["role"], member["readSeq"]) for member in members}

    def _apply_to(self, conversation: Json, event: AnyEvent) -> None:  # noqa: C901 (a table)
        members, messages = conversation["members"], conversation["messages"]
        match event.type:
            case "conversation:updated":
                conversation["name"] = event.data.get("name")
            case "conversation:deleted":
                del self._conversations[event.data["conversationId"]]
            case "member:added":
                self._put_members(event.data["conversationId"], list(event.data["members"]))
            case "member:removed":
                members.pop(event.data["userId"], None)
                if event.data["userId"] == self.user_id:
                    del self._conversations[event.data["conversationId"]]
            case "member:updated":
                members[event.data["userId"]] = (event.data["role"], members[event.data["userId"]][1])
            case "message:read:receipt":
                role, read_seq = members[event.data["userId"]]
                members[event.data["userId"]] = (role, max(read_seq, event.data["seq"]))
            case "message:new" | "message:updated":
                messages[event.data["id"]] = _message(event.data)
            case "message:deleted":
                messages[event.data["messageId"]] |= {"content": None, "reactions": [], "deleted": True}
            case "message:reaction":
                if not messages[event.data["messageId"]]["deleted"]:
                    messages[event.data["messageId"]]["reactions"] = _reactions(event.data["reactions"])


def _message(message: Any) -> Json:  # noqa: ANN401 (JSON)
    return {
        "seq": message["seq"],
        "sender": message["senderId"],
        "content": message.get("content"),
        "deleted": "deletedAt" in message,
        "reactions": _reactions(message.get("reactions", ())),
    }


def _reactions(reactions: Any) -> list[tuple[str, int]]:  # noqa: ANN401 (JSON)
    return sorted((reaction["emoji"], reaction["count"]) for reaction in reactions)
