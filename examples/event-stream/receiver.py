"""Keeps a copy of all conversations in a SQLite file, whatever is stopped or killed in between.

pip install httpx
TALKWIRE_TOKEN=$(talkwire token backend --role service) python receiver.py http://localhost:3000 chat.db
"""

import json
import os
import sqlite3
import sys
import time
from typing import Any

import httpx

CONTENT = ("content", "attachments", "metadata", "mentions", "reactions", "replyTo", "pinned")  # what deleting removes

db = sqlite3.connect(sys.argv[2])
db.execute("CREATE TABLE IF NOT EXISTS rows (chat, kind, id, data, PRIMARY KEY (chat, kind, id))")
db.execute("CREATE TABLE IF NOT EXISTS progress (only INTEGER PRIMARY KEY CHECK (only = 1), cursor)")
db.execute("INSERT OR IGNORE INTO progress VALUES (1, 'start')")
db.commit()


def put(chat: str, kind: str, id_: str, data: dict[str, Any]) -> None:
    db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", (chat, kind, id_, json.dumps(data)))


def change(chat: str, kind: str, id_: str, **data: object) -> None:
    change = "UPDATE rows SET data = json_patch(data, ?) WHERE chat = ? AND kind = ? AND id = ?"
    db.execute(change, (json.dumps(data), chat, kind, id_))


def apply(type_: str, chat: str, data: dict[str, Any]) -> None:
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
        case "message:new" | "message:updated":
            put(chat, "message", data["id"], data)
        case "message:deleted":
            change(chat, "message", data["messageId"], deletedAt=data["deletedAt"], **dict.fromkeys(CONTENT))
        case "message:reaction":
            change(chat, "message", data["messageId"], reactions=data["reactions"])
    for member in data.get("members", ()):  # of "conversation:new" and "member:added"
        put(chat, "member", member["userId"], member)


headers = {"Authorization": f"Bearer {os.environ['TALKWIRE_TOKEN']}"}
with httpx.Client(base_url=sys.argv[1], headers=headers, timeout=90) as http:
    while True:
        (cursor,) = db.execute("SELECT cursor FROM progress").fetchone()
        try:
            answer = http.get("/api/v1/events", params={"after": cursor, "wait": 30})
            if answer.status_code == httpx.codes.GONE:  # another log, or one that no longer has these events
                with db:
                    db.execute("DELETE FROM rows")
                    db.execute("UPDATE progress SET cursor = ?", (answer.json()["error"]["details"]["oldest"],))
                continue
            page = answer.raise_for_status().json()
        except httpx.HTTPError as error:
            print(error, file=sys.stderr)
            time.sleep(1)
            continue
        with db:  # one transaction: the cursor is as new as the rows, also after a crash
            for event in page["items"]:
                apply(event["type"], event.get("conversationId", ""), event["data"])
            db.execute("UPDATE progress SET cursor = ?", (page["cursor"],))
