"""Pictures with too many pixels for a thumbnail."""

from __future__ import annotations

from typing import Any

from tests.cli.history_import.conftest import Command, Receiver, counts, dropped
from tests.cli.history_import.exports import START_MS, lines
from tests.files import pictures


def test_a_picture_with_too_many_pixels_is_imported_as_a_file(imported: Command, receiver: Receiver) -> None:
    large = pictures.png_of_size(12_000, 9_000)
    posts: list[dict[str, Any]] = [
        {"user": "pixann", "message": message, "create_at": START_MS + number, "attachments": [{"path": "view.png"}]}
        for number, message in enumerate(["The view", ""])
    ]
    where = {"team": "pix", "channel": "views"}
    found = [
        {"type": "version", "version": 1},
        {"type": "channel", "channel": {"team": "pix", "name": "views", "display_name": "Views", "type": "O"}},
        {"type": "user", "user": {"username": "pixann"}},
        *({"type": "post", "post": {**where, **post}} for post in posts),
    ]
    files = {"import.jsonl": lines(found), "data/view.png": large}
    dry = imported("mattermost", files, "--dry-run")
    real = imported("mattermost", files)
    assert counts(dry) == counts(real) == {"conversations": 1, "files": 2, "messages": 2, "users": 1}
    assert dropped(dry) == dropped(real) == {}
    messages = receiver.messages("mattermost-pix-views")
    assert [each["content"] for each in messages] == ["The view", ""]
    for (file,) in (each["attachments"] for each in messages):
        assert (file["name"], file["contentType"], file["size"]) == ("view.png", "application/octet-stream", len(large))
        assert "thumbnailUrl" not in file
