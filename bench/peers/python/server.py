"""The Python server that Talkwire is compared with: a small chat on python-socketio 5 and uvicorn, in memory.

    python server.py --port N --conversations FILE [--redis URL]

FILE is a JSON object from conversation id to member ids; JWT_SECRET verifies the tokens. With --redis several servers
exchange events through python-socketio's own manager. Set up for speed: uvloop, httptools, no access log, no
permessage-deflate, WebSocket only, msgspec for JSON, and a cyclic garbage collector that runs seldom: with Python's
thresholds it takes nearly half of the time here, since every delivery is an asyncio task.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import msgspec
import socketio
import uvicorn

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class MsgspecJson:
    """A JSON module for python-socketio that uses msgspec. `loads` raises ValueError for invalid JSON, as the library
    expects.
    """

    _encoder = msgspec.json.Encoder()
    _decoder = msgspec.json.Decoder()

    @classmethod
    def dumps(cls, value: object, **_: object) -> str:
        return cls._encoder.encode(value).decode()

    @classmethod
    def loads(cls, text: str, **_: object) -> object:
        try:
            return cls._decoder.decode(text)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error


def read_membership(path: Path) -> dict[str, list[str]]:
    """Reads the members of each conversation from a JSON file, and returns each user's conversation ids."""
    by_user: dict[str, list[str]] = defaultdict(list)
    for conversation_id, members in json.loads(path.read_text()).items():
        for member in members:
            by_user[member].append(conversation_id)
    return by_user


def make_server(conversations_of: dict[str, list[str]], secret: str, redis: str | None) -> socketio.AsyncServer:
    """Returns a python-socketio server with the event `message:send`, which sends a message to everyone in a
    conversation.

    A connection joins the rooms of its user's conversations.
    """
    server = socketio.AsyncServer(
        async_mode="asgi",
        transports=["websocket"],
        client_manager=socketio.AsyncRedisManager(redis) if redis else None,
        json=MsgspecJson,
        logger=False,
        engineio_logger=False,
    )
    users: dict[str, dict[str, str]] = {}
    next_id = itertools.count(1)
    last_seq: dict[str, int] = defaultdict(int)

    async def connect(socket_id: str, _: dict[str, Any], auth: dict[str, str]) -> None:
        try:
            claims = jwt.decode(auth["token"], secret, algorithms=["HS256"])
        except (KeyError, TypeError, jwt.InvalidTokenError) as error:
            raise socketio.exceptions.ConnectionRefusedError("Authentication failed") from error
        users[socket_id] = {"id": claims["sub"], "name": claims["name"]}
        await server.enter_room(socket_id, f"user:{claims['sub']}")
        for conversation_id in conversations_of.get(claims["sub"], ()):
            await server.enter_room(socket_id, f"conversation:{conversation_id}")

    async def disconnect(socket_id: str, _: str) -> None:
        users.pop(socket_id, None)

    async def send_message(socket_id: str, data: dict[str, str]) -> dict[str, Any]:
        user = users[socket_id]
        conversation_id = data["conversationId"]
        last_seq[conversation_id] += 1
        message = {
            "id": str(next(next_id)),
            "conversationId": conversation_id,
            "seq": last_seq[conversation_id],
            "type": "text",
            "senderId": user["id"],
            "sender": user,
            "content": data["content"],
            "createdAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        await server.emit("message:new", message, room=f"conversation:{conversation_id}")
        return {"success": True, "message": message}

    server.on("connect", connect)
    server.on("disconnect", disconnect)
    server.on("message:send", send_message)
    return server


async def healthz(scope: dict[str, Any], _: Receive, send: Send) -> None:
    """The ASGI application for requests outside of Socket.IO: returns 200 for `/healthz`, else 404."""
    status = 200 if scope["type"] == "http" and scope["path"] == "/healthz" else 404
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    """Parses the command line and serves until a signal ends the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--conversations", type=Path, required=True)
    parser.add_argument("--redis")
    options = parser.parse_args()
    gc.set_threshold(100_000, 50, 100)
    server = make_server(read_membership(options.conversations), os.environ["JWT_SECRET"], options.redis)
    uvicorn.run(
        socketio.ASGIApp(server, healthz),
        host="127.0.0.1",
        port=options.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
