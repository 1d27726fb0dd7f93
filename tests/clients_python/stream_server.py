"""A stand-in for the server with one stream, for tests of its authors: it loses answers, crashes and interrupts when a
test says so."""

from __future__ import annotations

import copy
from typing import Any, Literal

import httpx

from talkwire.core.domain.parts.message_parts import utf16_length
from talkwire_client import TalkwireError
from talkwire_client.api import Request

Json = dict[str, Any]

Fault = Literal["lost", "crash", "interrupt"]
"""What happens to the next request: its answer is lost, the server crashes before it, or the lease ends before it."""


def _conflict(**details: object) -> TalkwireError:
    return TalkwireError("conflict", "No.", details, 409)


class StreamServer:
    """What `Api` is to the client."""

    def __init__(self) -> None:
        self.state = "streaming"
        self.parts: list[Json] = []
        self.stored: list[Json] = []
        """What survives a crash."""
        self.attempt = 0
        self.asked: list[str] = []
        """The last part of each request's path."""
        self.faults: list[Fault] = []
        self.stop: Json | None = None

    @property
    def message(self) -> Json:
        return {"id": "1", "conversationId": "c", "state": self.state, "parts": copy.deepcopy(self.parts)}

    @property
    def text(self) -> str:
        return "|".join(part["text"] for part in self.parts if part["type"] == "text" and part["text"].strip())

    def store(self) -> None:
        self.stored = copy.deepcopy(self.parts)

    async def get(self, _: str) -> Json:
        return self.message

    async def send(self, request: Request, _: float) -> httpx.Response:
        what = request.path.rpartition("/")[2]
        self.asked.append(what)
        fault = self.faults.pop(0) if self.faults else None
        if fault in {"crash", "interrupt"}:
            self.parts = copy.deepcopy(self.stored)
        if fault == "interrupt" and self.state == "streaming":
            self.state = "interrupted"
        try:
            answer = self._execute(what, request.json)
            if fault == "lost":
                answer = self._execute(what, request.json)
        except TalkwireError as refusal:
            refusal.was_repeated = fault == "lost"
            raise
        return httpx.Response(200, json=answer if self.stop is None else {**answer, "stop": self.stop})

    def _execute(self, what: str, body: Json) -> Json:
        if what == "stream":
            return self._open()
        if self.state != "streaming":
            raise _conflict(reason="ended", state=self.state)
        if body["attempt"] != self.attempt:
            raise _conflict(reason="superseded")
        match what:
            case "append":
                return self._append(body)
            case "rewind":
                return self._rewind(body)
            case "finish":
                return self._finish(body)
        return {}

    def _open(self) -> Json:
        if self.state not in {"streaming", "interrupted"}:
            return {"message": self.message}
        self.state = "streaming"
        self.attempt += 1
        progress = [
            {"type": part["type"], "length": _length(part), "stored": self._stored_of(index)}
            for index, part in enumerate(self.parts)
        ]
        return {"message": self.message, "attempt": self.attempt, "parts": progress}

    def _stored_of(self, index: int) -> int:
        part, stored = self.parts[index], self.stored[index] if index < len(self.stored) else None
        if stored is None or "text" not in part:
            return int(part == stored)
        return min(_length(stored), _length(part))

    def _append(self, body: Json) -> Json:
        index, text, at = body["part"], body.get("text"), body.get("at")
        if index > len(self.parts):
            raise _conflict(parts=len(self.parts))
        if text is not None and (not text or "\x00" in text):
            raise TalkwireError("invalid_request", "text", None, 422)
        if "set" in body:
            self.parts[index : index + 1] = [copy.deepcopy(body["set"])]
        elif index == len(self.parts):
            if at:
                raise _conflict(length=0)
            self.parts.append({"type": body.get("type", "text"), "text": text})
        else:
            self._extend(self.parts[index], body["text"], body["at"])
        return {"length": _length(self.parts[index]), "stored": self._stored_of(index)}

    def _extend(self, part: Json, text: str, at: int) -> None:
        before, added = part["text"].encode("utf-16-le"), text.encode("utf-16-le")
        known = before[at * 2 : at * 2 + len(added)]
        if at * 2 > len(before) or not added.startswith(known):
            raise _conflict(length=_length(part))
        part["text"] = (before + added[len(known) :]).decode("utf-16-le")

    def _rewind(self, body: Json) -> Json:
        index, at = body["part"], body.get("at")
        if index >= len(self.parts):
            raise _conflict(parts=len(self.parts))
        part = self.parts[index]
        units = part.get("text", "").encode("utf-16-le")
        splits_emoji = at is not None and units[at * 2 + 1 : at * 2 + 2] in {b"\xdc", b"\xdd", b"\xde", b"\xdf"}
        if at is not None and (at > _length(part) or splits_emoji):
            raise _conflict(length=_length(part))
        del self.parts[index if at is None else index + 1 :]
        if at is not None:
            part["text"] = units[: at * 2].decode("utf-16-le")
        self.store()
        return {"parts": []}

    def _finish(self, body: Json) -> Json:
        self.parts = body.get("parts", self.parts)
        if not self.text and body["state"] == "done":
            raise TalkwireError("invalid_request", "parts", None, 422)
        self.state = body["state"] if self.stop is None else "stopped"
        return self.message


def _length(part: Json) -> int:
    return utf16_length(part["text"]) if "text" in part else 1
