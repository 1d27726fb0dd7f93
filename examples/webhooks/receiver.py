"""Rebuilds all conversations from webhooks.

pip install standardwebhooks
SECRET=whsec_… python receiver.py 8000
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook

seen: set[str] = set()
messages: dict[str, dict[str, str]] = {}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        event = Webhook(os.environ["SECRET"]).verify(body, dict(self.headers))  # raises unless Talkwire has signed it
        if event["id"] not in seen and event["type"] in {"message:new", "message:updated"}:
            messages.setdefault(event["conversationId"], {})[event["data"]["id"]] = event["data"]["content"]
        seen.add(event["id"])  # store it in one transaction with what the event changes
        print(json.dumps(messages), flush=True)
        self.send_response(204)
        self.end_headers()


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
