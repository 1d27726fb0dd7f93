"""Keeps a copy of all conversations in a SQLite file, whatever is stopped or killed in between.

pip install httpx pyjwt
JWT_SECRET=… python receiver.py http://localhost:3000 chat.db
"""

import json
import os
import sqlite3
import sys
import time
from typing import Any

import httpx
import jwt

OF_OTHERS = ("sender", "thread", "replyTo")  # names and texts that have rows of their own
LEFT = ("id", "seq", "senderId", "createdAt")  # of a deleted message

db = sqlite3.connect(sys.argv[2])
db.execute("CREATE TABLE IF NOT EXISTS rows (chat, kind, id, data, PRIMARY KEY (chat, kind, id))")
db.execute("CREATE TABLE IF NOT EXISTS progress (only INTEGER PRIMARY KEY CHECK (only = 1), cursor)")
db.execute("INSERT OR IGNORE INTO progress VALUES (1, 'start')")
db.commit()


def get(chat: str, kind: str, id_: str) -> dict[str, Any]:
    row = db.execute("SELECT data FROM rows WHERE chat = ? AND kind = ? AND id = ?", (chat, kind, id_)).fetchone()
    return {} if row is None else json.loads(row[0])


def put(chat: str, kind: str, id_: str, data: dict[str, Any]) -> None:
    db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", (chat, kind, id_, json.dumps(data)))


def change(chat: str, kind: str, id_: str, **data: object) -> None:
    put(chat, kind, id_, {**get(chat, kind, id_), **data})


def apply_to_chat(type_: str, chat: str, data: dict[str, Any]) -> None:
    match type_:
        case "conversation:new" | "conversation:updated":
            put(chat, "conversation", chat, data)
        case "conversation:deleted":
            db.execute("DELETE FROM rows WHERE chat = ?", (chat,))
        case "member:updated":
            change(chat, "member", data["userId"], role=data["role"])
        case "member:removed":
            db.execute("DELETE FROM rows WHERE chat = ? AND kind = 'member' AND id = ?", (chat, data["userId"]))
        case "message:read:receipt":
            change(chat, "member", data["userId"], readSeq=data["seq"])
    for member in data.get("members", ()):  # of "conversation:new" and "member:added"
        put(chat, "member", member["userId"], member)


def apply_to_message(type_: str, chat: str, data: dict[str, Any]) -> None:
    match type_:
        case "message:new" | "message:updated":
            quoted = data.get("replyTo", {}).get("id")
            put(chat, "message", data["id"], {k: v for k, v in data.items() if k not in OF_OTHERS} | {"quotes": quoted})
        case "message:deleted":
            message = get(chat, "message", data["messageId"])
            left = {key: message[key] for key in LEFT if key in message}
            put(chat, "message", data["messageId"], {**left, "deletedAt": data["deletedAt"]})
        case "message:reaction":
            change(chat, "message", data["messageId"], reactions=data["reactions"])
        case "message:pinned" | "message:unpinned":
            change(chat, "message", data["messageId"], pinned=type_ == "message:pinned")


def apply_to_user(type_: str, data: dict[str, Any]) -> None:
    match type_:
        case "user:created" | "user:updated":
            put("", "user", data["id"], data)
        case "user:erased":  # with `redact`, `message:deleted` follows for each message
            put("", "user", data["userId"], {"id": data["userId"], "name": "Deleted user"})


def apply(type_: str, chat: str, data: dict[str, Any]) -> None:
    apply_to_chat(type_, chat, data)
    apply_to_message(type_, chat, data)
    apply_to_user(type_, data)


def sign_in() -> dict[str, str]:
    claims = {"sub": "backend", "role": "service", "exp": int(time.time()) + 60}
    return {"Authorization": f"Bearer {jwt.encode(claims, os.environ['JWT_SECRET'], algorithm='HS256')}"}


with httpx.Client(base_url=sys.argv[1], timeout=90) as http:
    while True:
        (cursor,) = db.execute("SELECT cursor FROM progress").fetchone()
        try:
            answer = http.get("/api/v1/events", params={"after": cursor, "wait": 30}, headers=sign_in())
            if answer.status_code == httpx.codes.GONE:  # another log, or one that no longer has these events
                with db:
                    db.execute("DELETE FROM rows")
                    db.execute("UPDATE progress SET cursor = ?", (answer.json()["error"]["details"]["oldest"],))
                continue
            if answer.status_code in {401, 403}:  # waiting does not help
                sys.exit(answer.json()["error"]["message"])
            page = answer.raise_for_status().json()
        except httpx.HTTPError as error:
            print(error, file=sys.stderr)
            time.sleep(1)
            continue
        with db:  # one transaction: the cursor is as new as the rows, also after a crash
            for event in page["items"]:
                apply(event["type"], event.get("conversationId", ""), event["data"])
            db.execute("UPDATE progress SET cursor = ?", (page["cursor"],))
