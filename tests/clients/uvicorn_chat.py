"""A chat that uvicorn serves: `python uvicorn_chat.py serve --port PORT`, as the tests start `talkwire`."""

from __future__ import annotations

import sys

import uvicorn

from talkwire import Talkwire

chat = Talkwire()

if __name__ == "__main__":
    uvicorn.run(chat, port=int(sys.argv[-1]), log_level="warning", timeout_graceful_shutdown=5)
