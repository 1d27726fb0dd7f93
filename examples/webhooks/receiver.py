"""Rebuilds all conversations from webhooks.

pip install standardwebhooks
SECRET=whsec_… python receiver.py 8000
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from standardwebhooks import Webhook

seen: set[str] = set()
names: dict[str, str] = {}
conversations: dict[str, dict[str, str]] = {}


def apply(type_: str, conversation_id: str, data: dict[str, Any]) -> None:
    messages = conversations.setdefault(conversation_id, {}) if conversation_id else {}
    match type_:
        case "message:new" | "message:updated" if "content" in data:
            messages[data["id"]] = data["content"]
        case "message:new" | "message:updated":  # it has been deleted since
            messages.pop(data["id"], None)
        case "message:deleted":
            messages.pop(data["messageId"], None)
        case "conversation:deleted":
            del conversations[conversation_id]
        case "user:created" | "user:updated":
            names[data["id"]] = data["name"]
        case "user:erased":  # events of the user's messages follow
            names[data["userId"]] = "Deleted user"


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        event = Webhook(os.environ["SECRET"]).verify(body, dict(self.headers))  # raises unless Talkwire has signed it
        if event["id"] not in seen:
            apply(event["type"], event.get("conversationId", ""), event["data"])
        seen.add(event["id"])  # store it in one transaction with what the event changes
        print(json.dumps({"names": names, "conversations": conversations}), flush=True)
        self.send_response(204)
        self.end_headers()


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
