"""An import that is killed and started again imports everything once, and the same as in one run."""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.chat.chat_server import SECRET
from tests.cli.history_import.conftest import Command, Receiver, counts, dropped
from tests.cli.history_import.exports import PIXEL, slack_message, slack_user, write_zip
from tests.cli.processes import clean_environment
from tests.forked_talkwire import Streams, start_python
from tests.waiting import DEADLINE_S

MESSAGES = 60


def long_export(prefix: str) -> dict[str, object]:
    """Returns the files of three conversations with threads, reactions and files."""
    ann, ben = f"U{prefix}ANN", f"U{prefix}BEN"
    channels = [{"id": f"C{prefix}{n}", "name": f"room{n}", "members": [ann, ben], "creator": ann} for n in range(3)]
    files: dict[str, object] = {
        "users.json": [slack_user(ann, f"{prefix.lower()}ann"), slack_user(ben, f"{prefix.lower()}ben", deleted=True)],
        "channels.json": channels,
    }
    for room in range(3):
        messages = []
        for number in range(MESSAGES):
            more: dict[str, Any] = {}
            if number % 5 == 4:
                more["thread_ts"] = f"{1577880000 + number - 4}.000000"
            if number % 3 == 0:
                more["reactions"] = [{"name": "tada", "users": [ben, ann], "count": 2}]
            if number % 25 == 0:
                more["files"] = [{"id": f"F{prefix}{room}{number}", "name": f"{number}.png"}]
                files[f"__uploads/F{prefix}{room}{number}/{number}.png"] = PIXEL
            if number % 40 == 0:
                more["pinned_to"] = [f"C{prefix}{room}"]
            messages.append(
                slack_message(f"{1577880000 + number}.000000", ben if number % 2 else ann, f"Number {number}", **more)
            )
        files[f"room{room}/2020-01-01.json"] = messages
    return files


def seen(receiver: Receiver, prefix: str) -> list[list[tuple[Any, ...]]]:
    """Returns what each conversation has, without what differs between two imports: ids."""
    found = []
    for room in range(3):
        page: dict[str, Any] = {"next": None}
        messages: list[dict[str, Any]] = []
        before = ""
        while before or not messages:
            page = receiver.get(f"/conversations/slack-C{prefix}{room}/messages?limit=100{before}")
            messages = [*page["items"], *messages]
            before = f"&before={page['next']}" if page["next"] else ""
            if not before:
                break
        texts = {message["id"]: message["content"] for message in messages}
        found.append(
            [
                (
                    message["content"],
                    message["createdAt"],
                    message["sender"]["name"].removeprefix(prefix.lower()),
                    texts.get(message.get("threadId", "")),
                    [(each["emoji"], each["count"]) for each in message.get("reactions", ())],
                    [each["name"] for each in message.get("attachments", ())],
                    message.get("pinned"),
                )
                for message in messages
            ]
        )
    return found


def message_count(receiver: Receiver, prefix: str) -> int:
    found = [receiver.request("GET", f"/conversations/slack-C{prefix}{room}") for room in range(3)]
    return sum(each.json()["lastSeq"] for each in found if each.is_success)


class Gate(socketserver.ThreadingTCPServer):
    """Forwards an import to the server, until the server has enough messages. Then `closed` is set."""

    def __init__(self, receiver: Receiver, has_enough: Callable[[], bool]) -> None:
        super().__init__(("127.0.0.1", 0), _Forwarding)
        self.place = urlsplit(receiver.url)
        self.has_enough = has_enough
        self.closed, self.over = threading.Event(), threading.Event()


class _Forwarding(socketserver.BaseRequestHandler):
    server: Gate

    def handle(self) -> None:
        place = (self.server.place.hostname, self.server.place.port)
        with socket.create_connection(place) as onward, suppress(OSError):
            threading.Thread(target=_pump, args=(onward, self.request)).start()
            while data := self.request.recv(1 << 16):
                if self.server.has_enough():
                    self.server.closed.set()
                    self.server.over.wait(DEADLINE_S)
                    break
                onward.sendall(data)
            onward.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)


@contextmanager
def gate_before(receiver: Receiver, has_enough: Callable[[], bool]) -> Iterator[Gate]:
    with Gate(receiver, has_enough) as gate:
        thread = threading.Thread(target=gate.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield gate
        finally:
            gate.over.set()
            gate.shutdown()
            thread.join()


def kill_after(receiver: Receiver, path: Path, prefix: str, count: int) -> None:
    """Starts an import, and kills it once the server has so many messages. It cannot get further until then."""
    with (
        gate_before(receiver, lambda: message_count(receiver, prefix) >= count) as gate,
        Path(os.devnull).open("rb") as nothing,
        tempfile.TemporaryFile() as output,
    ):
        url = f"http://127.0.0.1:{gate.server_address[1]}"
        arguments = ["-m", "talkwire", "import", "slack", str(path), "--server", url]
        streams = Streams(nothing, output, output)
        process = start_python(arguments, streams, {**clean_environment(), "JWT_SECRET": SECRET}, path.parent)
        try:
            assert gate.closed.wait(DEADLINE_S)
            assert process.poll() is None, "the import has ended before it was killed"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(DEADLINE_S)


def test_an_import_that_is_killed_continues(imported: Command, receiver: Receiver, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "killed.zip", long_export("KILLED"))
    for count in (1, 50, 120):
        kill_after(receiver, path, "KILLED", count)
        assert message_count(receiver, "KILLED") < 3 * MESSAGES
    last = counts(imported("slack", long_export("KILLED")))
    assert last["messages"] + last["messages, there before"] == 3 * MESSAGES
    imported("slack", long_export("WHOLE"))
    assert seen(receiver, "KILLED") == seen(receiver, "WHOLE")
    assert [len(each) for each in seen(receiver, "WHOLE")] == [MESSAGES] * 3
    assert receiver.get("/users/UKILLEDBEN")["banned"] is True


def test_a_repeated_import_names_lost_files_as_the_first_one_did(imported: Command) -> None:
    user = slack_user("ULOSTANN", "lostann")
    lost = [{"id": "FLOST", "name": "a.png"}]
    export = {
        "users.json": [user],
        "channels.json": [{"id": "CLOST", "name": "lost", "members": ["ULOSTANN"]}],
        "lost/2020-01-01.json": [
            slack_message("1577880000.000000", "ULOSTANN", "", files=lost),
            slack_message("1577880001.000000", "ULOSTANN", "Last"),
        ],
    }
    first = dropped(imported("slack", export))
    assert first == {"files that the export does not contain": 1, "messages that were only a file, which is lost": 1}
    assert dropped(imported("slack", export)) == first
