"""Messages of bots and web hooks have the name under which the other system showed them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.history_import.conftest import Command, Receiver, counts
from tests.cli.history_import.exports import ANN, START_MS, Files, lines, slack_message, slack_user
from tests.cli.history_import.staged import messages, staged

SLACK_BOTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"username": "Jenkins"}, "Jenkins"),
    ({"username": "Sentry", "bot_id": None}, "Sentry"),
    ({"username": "Deploys", "bot_id": "B01"}, "Deploys"),
    ({"username": "Backups", "bot_id": "B01"}, "Backups"),
    ({"username": "Deploys", "bot_id": "B02"}, "Deploys"),
    ({"username": "Jenkins"}, "Jenkins"),
    ({"username": "Shown", "bot_id": "B03", "bot_profile": {"name": "Profile"}}, "Shown"),
    ({"bot_id": "B03", "bot_profile": {"name": "Profile"}}, "Profile"),
    ({"bot_id": "B04"}, "Calendar"),
    ({"bot_id": "B05", "app_id": "A05"}, "An app"),
    ({"bot_id": "B06", "bot_profile": {"app_id": "A05"}}, "An app"),
    ({"bot_id": "B07"}, "Helper"),
    ({"bot_id": "B08"}, "B08"),
    ({"username": " "}, "Bot"),
    ({"username": "Dressed up", "bot_id": "B07", "user": "U0HELPER"}, "Dressed up"),
    ({"username": "helper", "bot_id": "B07", "user": "U0HELPER"}, "Helper"),
    ({"bot_id": "B07", "user": "U0HELPER"}, "Helper"),
)


def slack(prefix: str = "") -> Files:
    ann, helper = f"{ANN}{prefix}", f"U0HELPER{prefix}"
    sent = []
    for number, (raw, _) in enumerate(SLACK_BOTS):
        author = {"user": helper} if "user" in raw else {}
        ts = f"{1577880000 + number}.000000"
        sent.append({"type": "message", "subtype": "bot_message", "ts": ts, "text": str(number), **raw, **author})
    sent.append(slack_message("1577881000.000000", ann, "person", username=f"<@{ann}|someone>"))
    bot = {**slack_user(helper, "helper"), "profile": {"real_name": "Helper", "bot_id": "B07"}}
    return {
        "users.json": [slack_user(ann, f"ann{prefix}"), bot],
        "channels.json": [{"id": f"C0BOTS{prefix}", "name": "bots", "members": [ann]}],
        "integration_logs.json": [
            {"bot_id": "B04", "service_type": "Calendar"},
            {"app_id": "A05", "app_type": "An app"},
            {"service_id": 7, "service_type": None},
        ],
        "bots/2020-01-01.json": sent,
    }


def test_bots_of_slack_have_the_names_that_were_shown(tmp_path: Path) -> None:
    with staged("slack", slack(), tmp_path) as staging:
        *bots, person = messages(staging)["C0BOTS"]
        users = [staging.people.get(each.sender) for each in bots]
    assert [user.name for user in users if user is not None] == [name for _, name in SLACK_BOTS]
    assert person.sender == ANN
    # One user for each pair of an id and a name.
    pairs = {(raw.get("bot_id") or "", raw.get("user"), name) for raw, name in SLACK_BOTS}
    assert len({each.sender for each in bots}) == len(pairs)


def test_a_bot_is_the_same_user_in_each_export(imported: Command, receiver: Receiver) -> None:
    files = dict(slack("R"))
    days = files["bots/2020-01-01.json"]
    assert isinstance(days, list)
    files["bots/2020-01-01.json"] = days[3:4]
    imported("slack", files)
    later = {**files, "bots/2020-01-01.json": [*days[3:4], *({**days[at], "ts": f"158788{at:04}.0"} for at in (2, 3))]}
    assert counts(imported("slack", later))["users"] == 1
    first, deploys, backups = receiver.messages("slack-C0BOTSR")
    assert [each["sender"]["name"] for each in (first, deploys, backups)] == ["Backups", "Deploys", "Backups"]
    assert first["senderId"] == backups["senderId"]
    user = receiver.get(f"/users/{deploys['senderId']}")
    assert (user.get("role"), user.get("handle"), user.get("email")) == (None, None, None)


@pytest.mark.parametrize(
    ("raw", "picture"),
    [
        ({"icons": {"image_48": "https://example.com/48.png", "image_72": "https://example.com/72.png"}}, "72.png"),
        ({"bot_profile": {"icons": {"image_36": "https://example.com/36.png"}}}, "36.png"),
        ({"icons": {"emoji": ":bug:", "image_64": "data:image/png;base64,AA"}}, None),
        ({}, None),
    ],
)
def test_pictures_of_bots_are_addresses_of_their_icons(
    tmp_path: Path, raw: dict[str, Any], picture: str | None
) -> None:
    sent = [{"type": "message", "subtype": "bot_message", "username": "Bug", "ts": "1.0", "text": "x", **raw}]
    with staged("slack", {**slack(), "bots/2020-01-01.json": sent}, tmp_path) as staging:
        (message,) = messages(staging)["C0BOTS"]
        user = staging.people.get(message.sender)
    assert user is not None
    assert user.picture == (picture and f"https://example.com/{picture}")


def test_an_alias_of_rocketchat_is_a_user_of_its_own(tmp_path: Path) -> None:
    author = {"_id": "cat", "username": "rocket.cat", "name": "Cat"}
    aliases = ["", "Jenkins", "Sentry", "Jenkins", "Cat", "rocket.cat", None]
    sent = [
        {"_id": f"m{number}", "rid": "r", "msg": "x", "ts": START_MS + number, "u": author, "alias": alias}
        for number, alias in enumerate(aliases)
    ]
    files: Files = {
        "users.json": lines([author]),
        "rocketchat_room.json": lines([{"_id": "r", "t": "c", "name": "r"}]),
        "rocketchat_message.json": lines(sent),
    }
    with staged("rocketchat", files, tmp_path) as staging:
        senders = [each.sender for each in messages(staging)["r"]]
        names = [getattr(staging.people.get(key), "name", None) for key in senders]
    assert names == ["Cat", "Jenkins", "Sentry", "Jenkins", "Cat", "Cat", "Cat"]
    assert len(set(senders)) == 3


def test_a_web_hook_of_mattermost_has_the_name_that_was_shown(tmp_path: Path) -> None:
    where = {"team": "t", "channel": "c", "user": "ann", "message": "x"}
    shown: list[Any] = ["Jenkins", "Sentry", "Jenkins", "", "ann", None, 7]
    posts = [
        {**where, "create_at": START_MS + number, "props": {"override_username": name, "from_webhook": "true"}}
        for number, name in enumerate(shown)
    ]
    posts[0]["replies"] = [{**posts[1], "create_at": START_MS + 9}]
    found = [
        {"type": "version", "version": 1},
        {"type": "channel", "channel": {"team": "t", "name": "c", "type": "O"}},
        {"type": "user", "user": {"username": "ann", "nickname": "Ann"}},
        *({"type": "post", "post": post} for post in posts),
    ]
    with staged("mattermost", {"import.jsonl": lines(found)}, tmp_path) as staging:
        sent = messages(staging)["t-c"]
        names = [getattr(staging.people.get(each.sender), "name", None) for each in sent]
    assert names == ["Jenkins", "Sentry", "Jenkins", "Ann", "Ann", "Ann", "Ann", "Sentry"]
    # As before, a post is recognised by its account and its time.
    assert sent[0].key == f"{START_MS}-ann"
