"""The report of `talkwire import … --dry-run` is that of the import."""

from __future__ import annotations

import pytest

from tests.cli.history_import.conftest import Command, counts, dropped
from tests.cli.history_import.exports import (
    Files,
    mattermost_export,
    rocketchat_export,
    slack_export,
    slack_message,
    slack_user,
)

EMOJI = "+1 -1 tada heart fire eyes cry joy sob ok_hand clap pray wave rocket star sun_with_face moon cat dog bee ant"


def lossy_export() -> Files:
    """Returns the files of a Slack workspace that an import cannot take over completely."""
    ann = "UDRYANN"

    def files(start: int, count: int) -> list[object]:
        return [{"id": f"FDRY{number}", "name": "a.png"} for number in range(start, start + count)]

    messages = [
        slack_message(f"{1577880000 + number}.000000", ann, f"{number}", pinned_to=["CDRY"]) for number in range(250)
    ]
    messages[:4] = [
        slack_message("1577880000.000000", ann, "Many files", files=files(100, 1) + files(0, 23)),
        slack_message("1577880001.000000", ann, "", files=files(101, 1)),
        slack_message("1577880002.000000", ann, "Whose reply?", thread_ts="1500000000.000000"),
        slack_message(
            "1577880003.000000",
            ann,
            "Popular",
            reactions=[{"name": name, "users": [ann], "count": 1} for name in EMOJI.split()],
        ),
    ]
    return {
        "users.json": [{**slack_user(ann, "dryann"), "profile": {"image_512": "https://example.com/ann.png"}}],
        "channels.json": [
            {"id": "CDRY", "name": "general", "members": [ann]},
            {"id": "CDRYEMPTY", "name": "empty", "members": []},
        ],
        "general/2020-01-01.json": messages,
        **{f"__uploads/FDRY{number}/a.png": b"content" for number in range(23)},
    }


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("slack", slack_export("w")),
        ("mattermost", mattermost_export("mw")),
        ("rocketchat", rocketchat_export("rw")),
        ("slack", lossy_export()),
    ],
    ids=["slack", "mattermost", "rocketchat", "losses"],
)
def test_a_dry_run_reports_what_the_import_reports(imported: Command, source: str, files: Files) -> None:
    dry = imported(source, files, "--dry-run")
    real = imported(source, files)
    assert counts(dry) == counts(real)
    assert dropped(dry) == dropped(real)


def test_a_dry_run_of_losses_names_each_of_them(imported: Command) -> None:
    assert dropped(imported("slack", lossy_export(), "--dry-run")) == {
        "conversations without members": 1,
        "files beyond the 20 of a message": 3,
        "files that the export does not contain": 2,
        "messages that were only a file, which is lost": 1,
        "pictures of users (use --download)": 1,
        "pins beyond the 100 of a conversation": 146,
        "reactions beyond 20 emoji or 100 users of an emoji": 1,
        "threads that begin with a reply, as their first message is missing": 1,
    }


def test_a_dry_run_expects_that_downloads_succeed(imported: Command) -> None:
    user = {**slack_user("UDRYLOAD", "dryload"), "profile": {"image_512": "https://127.0.0.1:1/ann.png"}}
    files = [{"id": "F", "name": "a.png", "url_private": "https://127.0.0.1:1/a.png"}]
    export = {
        "users.json": [user],
        "channels.json": [{"id": "CDRYLOAD", "name": "general", "members": ["UDRYLOAD"]}],
        "general/2020-01-01.json": [slack_message("1577880000.000000", "UDRYLOAD", "", files=files)],
    }
    result = imported("slack", export, "--dry-run", "--download")
    assert counts(result) == {"conversations": 1, "files": 1, "messages": 1, "pictures of users": 1, "users": 1}
    assert dropped(result) == {}
