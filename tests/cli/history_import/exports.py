"""Small exports of other systems, written by hand, with what real ones have that is odd."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Files = Mapping[str, bytes | str | object]

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8d"
    "b00000000049454e44ae426082"
)
"""A PNG of one pixel."""


def content_of(value: object) -> bytes:
    """Returns the bytes of a file: texts and bytes as they are, anything else as JSON."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def write_folder(folder: Path, files: Files) -> Path:
    for name, value in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content_of(value))
    return folder


def write_zip(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in files.items():
            archive.writestr(name, content_of(value))
    return path


def lines(objects: Iterable[object]) -> str:
    return "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in objects)


# --- Slack ------------------------------------------------------------------------------------------------------------


def slack_user(key: str, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    profile = {"real_name": name.title(), "display_name": name, "email": f"{name}@example.com"}
    return {"id": key, "name": name, "profile": profile, "deleted": False, **more}


def slack_message(ts: str, user: str, text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": "message", "user": user, "ts": ts, "text": text, **more}


ANN, BEN, CLEO = "U0ANN", "U0BEN", "U0CLEO"
ROOT = "1577880000.000100"


def slack_export(prefix: str = "") -> dict[str, object]:
    """Returns the files of a workspace. `prefix` goes into the ids of people and conversations, so that tests can share
    a server."""

    def key(source_id: str) -> str:
        return f"{source_id[0]}{prefix.upper()}{source_id[1:]}"

    ann, ben, cleo = key(ANN), key(BEN), key(CLEO)
    general, secret, archived, direct, many = map(key, ("C0GENERAL", "G0SECRET", "C0OLD", "D0AB", "G0MANY"))
    return {
        "users.json": [
            slack_user(ann, f"{prefix}ann"),
            slack_user(ben, f"{prefix}ben"),
            slack_user(cleo, f"{prefix}cleo", deleted=True),
        ],
        "channels.json": [
            {
                "id": general,
                "name": "general",
                "created": 1500000000,
                "creator": ann,
                "is_archived": False,
                "members": [ann, ben, cleo],
                "topic": {"value": "News &amp; more"},
                "purpose": {"value": f"Ask <@{ben}>"},
                "pins": [{"id": ROOT, "type": "C"}],
            },
            {"id": archived, "name": "old", "created": 1500000000, "is_archived": True, "members": []},
        ],
        "groups.json": [{"id": secret, "name": "secret", "creator": ben, "members": [ann, ben]}],
        "dms.json": [{"id": direct, "created": 1500000000, "members": [ann, ben]}],
        "mpims.json": [{"id": many, "name": "mpdm-ann--ben--cleo-1", "members": [ann, ben, cleo]}],
        "integration_logs.json": [],
        # The second day is written first: days are read in the order of their names.
        "general/2020-01-02.json": [
            # A reply of the next day, and a message of a bot that users.json does not have.
            slack_message("1577966400.000200", ben, "Late *reply*", thread_ts=ROOT, parent_user_id=ann),
            {
                "type": "message",
                "subtype": "bot_message",
                "bot_id": key("B0BUILD"),
                "username": "Build",
                "ts": "1577966500.000000",
                "text": "",
                "attachments": [{"title": "Build 7", "title_link": "https://ci.example.com/7", "text": "It *failed*"}],
            },
            slack_message("1577966600.000000", ann, "", files=[{"id": key("F0GONE"), "mode": "tombstone"}]),
        ],
        "general/2020-01-01.json": [
            {"type": "message", "subtype": "channel_join", "user": ben, "ts": "1577879000.000000", "text": "joined"},
            slack_message(
                ROOT,
                ann,
                f"Hello <@{ben}> &lt;3 :tada: <https://example.com|the *site*> see <#{secret}|secret> `a*b*c` ~no~",
                thread_ts=ROOT,
                reply_count=2,
                edited={"user": ann, "ts": "1577880300.000000"},
                reactions=[
                    {"name": "+1::skin-tone-3", "users": [ben, cleo], "count": 2},
                    {"name": "party_parrot", "users": [ben], "count": 1},
                    {"name": "heart", "users": [ann], "count": 3},
                ],
            ),
            # Not in the order of time.
            slack_message("1577880200.000000", cleo, "Third"),
            slack_message("1577880100.000300", ben, "First _reply_", thread_ts=ROOT, parent_user_id=ann),
            slack_message("1577880100.000300", ben, "First _reply_", thread_ts=ROOT, parent_user_id=ann),
            slack_message(
                "1577880300.000000",
                ann,
                "A picture",
                files=[
                    {
                        "id": key("F0PIC"),
                        "name": "pic.png",
                        "url_private": "https://files.slack.com/x",
                        "mimetype": "image/png",
                    },
                    {"id": key("F0DOC"), "name": "doc.pdf", "permalink": "https://example.slack.com/files/doc.pdf"},
                ],
            ),
            {"type": "message", "subtype": "huddle_thread", "user": ann, "ts": "1577880400.000000", "room": {}},
            slack_message("1577880500.000000", "USLACKBOT", "<!channel> ```x = 1 &amp; 2```"),
        ],
        f"__uploads/{key('F0PIC')}/pic.png": PIXEL,
        "secret/2020-01-01.json": [
            slack_message("1577880000.000000", ben, "Psst"),
            slack_message("nonsense", ben, "No time"),
        ],
        f"{direct}/2020-01-01.json": [
            slack_message("1577880000.000000", ann, "Hi"),
            slack_message("1577880001.000000", ben, "Hi!"),
        ],
        "mpdm-ann--ben--cleo-1/2020-01-01.json": [slack_message("1577880000.000000", cleo, "All three")],
        "old/2019-01-01.json": [
            slack_message("1546300800.000000", cleo, "Long ago"),
            slack_message("1546300900.000000", ann, "Yes"),
        ],
    }


# --- Mattermost -------------------------------------------------------------------------------------------------------

START_MS = 1_577_880_000_000


def mattermost_user(name: str, prefix: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    channels = [{"name": "town-square", "roles": "channel_user"}]
    body = {
        "username": f"{prefix}{name}",
        "email": f"{prefix}{name}@example.com",
        "nickname": "",
        "first_name": name.title(),
        "last_name": prefix,
        "teams": [{"name": f"{prefix}team", "roles": "team_user", "channels": channels}],
        **more,
    }
    return {"type": "user", "user": body}


NO_ATTACHMENTS = "../../etc/passwd", "import.jsonl"
"""Paths outside of the folder of attachments."""


def mattermost_export(prefix: str = "m") -> dict[str, object]:
    """Returns the files of a server with one team."""
    ann, ben, gone = f"{prefix}ann", f"{prefix}ben", f"{prefix}gone"

    def post(user: str, after_ms: int, message: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        where = {"team": f"{prefix}team", "channel": "town-square"}
        return {"type": "post", "post": {**where, **reply(user, after_ms, message, **more)}}

    def reply(user: str, after_ms: int, message: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        return {"user": user, "message": message, "create_at": START_MS + after_ms, **more}

    admin = mattermost_user("ann", prefix)
    admin["user"]["teams"][0]["channels"][0]["roles"] = "channel_user channel_admin"
    channel = {
        "team": f"{prefix}team",
        "name": "town-square",
        "display_name": "Town Square",
        "type": "O",
        "header": "Header",
        "purpose": "Purpose",
    }
    direct = {"channel_members": [ben, ann], **reply(ben, 0, "Only you", reactions=None)}
    found = [
        {"type": "version", "version": 1},
        {"type": "emoji", "emoji": {"name": "parrot", "image": "exported_emoji/parrot.png"}},
        {"type": "team", "team": {"name": f"{prefix}team", "display_name": "Team", "type": "O"}},
        {"type": "channel", "channel": channel},
        admin,
        mattermost_user("ben", prefix, profile_image=f"{prefix}/face.png"),
        mattermost_user("gone", prefix, delete_at=START_MS),
        # Its replies are later than the next post.
        post(
            ann,
            0,
            f"# Hi @{ben}. **bold** :tada: :party_parrot: `@{ben}` @all",
            edit_at=START_MS + 60_000,
            is_pinned=True,
            reactions=[
                {"user": ben, "create_at": START_MS + 2, "emoji_name": "+1_light_skin_tone"},
                {"user": gone, "create_at": START_MS + 1, "emoji_name": "+1_light_skin_tone"},
                {"user": ben, "create_at": START_MS + 3, "emoji_name": "party_parrot"},
            ],
            replies=[reply(ben, 20_000, "Reply"), reply(gone, 30_000, "Reply 2")],
        ),
        post(ben, 10_000, "Between"),
        # Twice in one millisecond.
        post(ben, 40_000, "One"),
        post(ben, 40_000, "Two"),
        post(ben, 50_000, "", attachments=[{"path": each} for each in (f"{prefix}/a.png", *NO_ATTACHMENTS)]),
        post(ben, 60_000, "joined", type="system_join_channel"),
        post(ben, 61_000, "Nowhere", channel="lost"),
        "{broken",
        {"type": "direct_channel", "direct_channel": {"members": [ann, ben]}},
        {"type": "direct_post", "direct_post": direct},
    ]
    return {
        "import.jsonl": lines(found),
        f"data/{prefix}/a.png": PIXEL,
        f"data/{prefix}/face.png": PIXEL,
    }


# --- Rocket.Chat ------------------------------------------------------------------------------------------------------


def rocketchat_export(prefix: str = "r") -> dict[str, object]:
    """Returns the collections of a server, in both forms of extended JSON."""
    ann, ben, room, direct, picture = (f"{prefix}{each}" for each in ("Ann1", "Ben2", "Room", "AnnBen", "Pic"))

    def at(after_ms: int, *, canonical: bool = False) -> dict[str, Any]:
        if canonical:
            return {"$date": {"$numberLong": str(START_MS + after_ms)}}
        seconds, ms = divmod(after_ms, 1000)
        return {"$date": f"2020-01-01T12:{seconds // 60:02}:{seconds % 60:02}.{ms:03}Z"}

    def message(key: str, by: str, after_ms: int, text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        name = {ann: "ann", ben: "ben"}.get(by, "ghost")
        author = {"_id": by, "username": f"{prefix}{name}", "name": name.title()}
        return {"_id": f"{prefix}{key}", "rid": room, "msg": text, "ts": at(after_ms), "u": author, **more}

    users = [
        {
            "_id": ann,
            "username": f"{prefix}ann",
            "name": "Ann",
            "active": True,
            "emails": [{"address": f"{prefix}ann@example.com", "verified": True}],
            "__rooms": [room],
            "services": {"password": {"bcrypt": "x"}},
        },
        {"_id": ben, "username": f"{prefix}ben", "name": "Ben", "active": False, "__rooms": [room]},
    ]
    rooms = [
        {
            "_id": room,
            "t": "c",
            "name": "general",
            "fname": "General",
            "topic": "Topic",
            "ts": at(0, canonical=True),
            "u": {"_id": ann},
        },
        {"_id": direct, "t": "d", "uids": [ann, ben], "usernames": [f"{prefix}ann", f"{prefix}ben"], "ts": at(0)},
        {"_id": f"{prefix}Live", "t": "l", "v": {"token": "x"}},
    ]
    quote = f"https://chat.example.com/channel/general?msg={prefix}m1"
    messages = [
        message("m0", ben, 0, f"{prefix}ben", t="uj"),
        message(
            "m1",
            ann,
            1000,
            f"Hi @{prefix}ben, *bold* and ~gone~ :tada: `*x*`",
            editedAt=at(5000, canonical=True),
            pinned=True,
            reactions={
                ":thumbsup_tone2:": {"usernames": [f"{prefix}ben", "stranger"]},
                ":party_parrot:": {"usernames": ["x"]},
            },
        ),
        message("m2", ben, 3000, "In the thread", tmid=f"{prefix}m1"),
        message(
            "m3",
            ben,
            2000,
            f"[ ]({quote}) Quoting",
            attachments=[{"message_link": quote, "text": "Hi", "author_name": "ann"}],
        ),
        message(
            "m4",
            ann,
            4000,
            "",
            file={"_id": picture, "name": "pic.png", "type": "image/png"},
            files=[{"_id": picture, "name": "pic.png"}, {"_id": "t", "name": "thumb-pic.png"}],
            attachments=[{"title": "pic.png", "title_link_download": True, "description": "What I saw"}],
        ),
        message("m5", ann, 4500, "secret", t="e2e"),
        message("m6", f"{prefix}Ghost", 4600, "Boo"),
        message("m7", ann, 4700, "Direct", rid=direct),
        message("m8", ann, 4700, "Lost", rid="nowhere"),
        message("m9", ann, 4800, "gone", t="rm"),
    ]
    return {
        "dump/users.json": lines(users),
        "dump/rocketchat_room.json": lines(rooms),
        "dump/rocketchat_message.json": lines(messages) + "{broken\n",
        "dump/rocketchat_uploads.json": lines([{"_id": picture, "name": "holiday.png", "size": {"$numberInt": "70"}}]),
        f"dump/uploads/{picture}.png": PIXEL,
    }
