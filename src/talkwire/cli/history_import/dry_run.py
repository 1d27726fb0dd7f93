"""What a dry run uses in place of the server and of downloads, so that its report is that of a real import."""

from __future__ import annotations

from collections import Counter
from types import TracebackType
from typing import IO, Any

from talkwire.cli.history_import.attached import AttachedFiles
from talkwire.cli.history_import.target import ImportTarget, ServerRefusal
from talkwire.core.features.messages.pins import PINS_MAX


class AcceptingServer(ImportTarget):
    """Stands for an empty server in a dry run: accepts everything without storing it. Like a server, it refuses further
    pins in a conversation that has `PINS_MAX`."""

    def __init__(self, max_file_size: int) -> None:
        self.max_file_size = max_file_size
        self._pins: Counter[str] = Counter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Does nothing, since no connection is open."""

    async def request(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 (JSON)
        match method, path:
            case "GET", _:
                raise ServerRefusal(404, {"code": "not_found"})
            case "POST", "/conversations":
                return {"id": body["id"], "lastSeq": 0}
            case "POST", "/messages":
                return self._accepted(body)
            case "POST", "/messages/batch":
                return {"items": [self._item(message) for message in body["messages"]]}
        return None

    async def upload(self, name: str, *_: object) -> dict[str, Any]:
        return {"id": name, "url": name}

    def _item(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"message": self._accepted(message)}
        except ServerRefusal as refusal:
            return {"error": {"code": refusal.code}}

    def _accepted(self, message: dict[str, Any]) -> dict[str, Any]:
        if message.get("pinned"):
            if self._pins[message["conversationId"]] == PINS_MAX:
                raise ServerRefusal(400, {"code": "invalid_request", "details": [{"path": "pinned"}]})
            self._pins[message["conversationId"]] += 1
        return {"id": message["clientMessageId"]}


class UnfetchedFiles(AttachedFiles):
    """Opens the files that the export contains, and an empty file in place of each download, for dry runs."""

    async def _download(self, url: str, content: IO[bytes], most: int, name: str) -> None:
        """Leaves `content` empty."""
