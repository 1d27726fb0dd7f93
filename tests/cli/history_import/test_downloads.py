"""Files and pictures that `talkwire import slack --download` fetches."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from talkwire.cli.history_import.archive import Archive
from talkwire.cli.history_import.attached import AttachedFiles
from tests.cli.history_import.conftest import Command, Receiver, counts, dropped
from tests.cli.history_import.exports import PIXEL, slack_message, slack_user


class _Files(BaseHTTPRequestHandler):
    """Serves a picture, a redirect to it, and the page that Slack shows to who may not read a file."""

    seen: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("authorization"))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("location", "/pic")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        kind, content = (
            ("image/png", PIXEL) if self.path == "/pic" else ("text/html; charset=utf-8", b"<h1>Sign in</h1>")
        )
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Writes nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of a server with files."""
    _Files.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def export(prefix: str, elsewhere: str) -> dict[str, object]:
    files = [
        {"id": f"F{prefix}{number}", "name": f"{name}.png", "url_private": f"{elsewhere}/{name}", "permalink": link}
        for number, (name, link) in enumerate(
            [("pic", None), ("moved", None), ("page", "https://example.slack.com/page"), ("gone", None)]
        )
    ]
    user = slack_user(f"U{prefix}", f"{prefix.lower()}user")
    user["profile"]["image_512"] = f"{elsewhere}/pic"
    return {
        "users.json": [user],
        "channels.json": [{"id": f"C{prefix}", "name": "general", "members": [f"U{prefix}"]}],
        "general/2020-01-01.json": [slack_message("1577880000.000000", f"U{prefix}", "Files", files=files)],
    }


def test_files_and_pictures_are_downloaded(
    imported: Command, receiver: Receiver, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALKWIRE_WEBHOOK_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-secret")
    result = imported("slack", export("LOADED", elsewhere), "--download")
    found = counts(result)
    assert (found["files"], found["files, as links to where they are"], found["pictures of users"]) == (2, 1, 1)
    assert dropped(result) == {"files that could not be downloaded": 1}
    (message,) = receiver.messages("slack-CLOADED", by="ULOADED")
    assert [(each["name"], each.get("contentType")) for each in message["attachments"]] == [
        ("pic.png", "image/png"),
        ("moved.png", "image/png"),
        ("page.png", None),
    ]
    assert receiver.get("/users/ULOADED")["avatar"].startswith("/api/v1/files/")
    assert set(_Files.seen) == {None}, "the token goes to Slack only"


def test_addresses_of_the_own_network_are_not_reached(imported: Command, elsewhere: str) -> None:
    result = imported("slack", export("REFUSED", elsewhere), "--download")
    assert dropped(result)["files that could not be downloaded"] == 4
    assert _Files.seen == []


def test_without_download_nothing_is_fetched(imported: Command, elsewhere: str) -> None:
    result = imported("slack", export("KEPT", elsewhere))
    assert dropped(result) == {
        "files that the export does not contain": 3,
        "pictures of users (use --download)": 1,
    }
    assert _Files.seen == []


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://files.slack.com/a", True),
        ("https://slack.com/a", True),
        ("http://files.slack.com/a", False),
        ("https://slack.com.example.com/a", False),
        ("https://notslack.com/a", False),
    ],
)
def test_the_token_goes_to_slack_only(tmp_path_factory: pytest.TempPathFactory, url: str, sent: bool) -> None:  # noqa: FBT001
    files = AttachedFiles(Archive(tmp_path_factory.mktemp("empty")), token="xoxb")
    assert files.headers_for(url) == ({"authorization": "Bearer xoxb"} if sent else {})
