"""Several direct conversations of the same people in an export become one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.history_import.conftest import Command, Receiver, counts, dropped
from tests.cli.history_import.exports import Files, lines, slack_message, slack_user
from tests.cli.history_import.staged import messages, staged

JOINED = "direct conversations that were joined with another one of the same people"


def slack_directs(ann: str, ben: str) -> Files:
    """Returns a workspace in which Ann and Ben write in two direct conversations by turns, and Ann in two of her own.

    The same message is in both of the first two, and so is a time of two different ones.
    """
    one, two, alone, again = (f"D{number}{ann}" for number in range(4))
    times = [f"{1577880000 + number}.000100" for number in range(6)]
    return {
        "users.json": [slack_user(ann, ann.lower()), slack_user(ben, ben.lower())],
        "channels.json": [],
        "dms.json": [
            {"id": two, "created": 1500000000, "members": [ben, ann]},
            {"id": one, "created": 1600000000, "members": [ann, ben]},
            {"id": alone, "created": 1500000000, "members": [ann]},
            {"id": again, "created": 1500000000, "members": [ann, ann]},
        ],
        f"{one}/2020-01-01.json": [
            slack_message(times[1], ann, "one"),
            slack_message(times[3], ann, "root", thread_ts=times[3], reply_count=1),
            slack_message(times[4], ben, "reply", thread_ts=times[3]),
            slack_message(times[5], ben, "copied"),
        ],
        f"{two}/2020-01-01.json": [
            slack_message(times[0], ben, "zero"),
            slack_message(times[2], ben, "two"),
            slack_message(times[3], ann, "other root", thread_ts=times[3], reply_count=1),
            slack_message(times[4], ben, "other reply", thread_ts=times[3]),
            slack_message(times[5], ben, "copied"),
        ],
        f"{alone}/2020-01-01.json": [slack_message(times[1], ann, "note 1")],
        f"{again}/2020-01-01.json": [slack_message(times[0], ann, "note 0")],
    }


def rocketchat_directs() -> Files:
    """Returns a server with two rooms of Ann and Ben, and two of Ann alone."""
    rooms = {"r1": ["a", "b"], "r2": ["b", "a"], "r3": ["a"], "r4": ["a", "a"]}
    written = [(room, number) for number in range(2) for room in ("r2", "r1", "r4", "r3")]
    return {
        "users.json": lines({"_id": key, "username": key, "name": key} for key in "ab"),
        "rocketchat_room.json": lines({"_id": key, "t": "d", "uids": uids} for key, uids in rooms.items()),
        "rocketchat_message.json": lines(
            {"_id": f"m{at}", "rid": room, "msg": f"{room} {number}", "ts": 1577880000000 + at, "u": {"_id": "a"}}
            for at, (room, number) in reversed(list(enumerate(written)))
        ),
    }


def mattermost_directs() -> Files:
    """Returns a server with posts to Ann and Ben in both orders, and posts of Ann to herself."""
    posts = [["ann", "ben"], ["ben", "ann"], ["ann", "ann"], ["ann"]]
    directs = [
        {"members": members, "user": "ann", "message": f"{number}", "create_at": 1577880000000 - number}
        for number, members in enumerate(posts)
    ]
    users = [{"type": "user", "user": {"username": name}} for name in ("ann", "ben")]
    found = [{"type": "version", "version": 1}, *users, *({"type": "direct_post", "direct_post": d} for d in directs)]
    return {"import.jsonl": lines(found)}


@pytest.mark.parametrize(
    ("source", "files", "expected"),
    [
        (
            "slack",
            slack_directs("UANN", "UBEN"),
            [
                ("direct", ["zero", "one", "two", "other root", "root", "other reply", "reply", "copied"]),
                ("group", ["note 0", "note 1"]),
            ],
        ),
        (
            "rocketchat",
            rocketchat_directs(),
            [("direct", ["r2 0", "r1 0", "r2 1", "r1 1"]), ("group", ["r4 0", "r3 0", "r4 1", "r3 1"])],
        ),
        ("mattermost", mattermost_directs(), [("group", ["3", "2"]), ("direct", ["1", "0"])]),
    ],
    ids=["slack", "rocketchat", "mattermost"],
)
def test_direct_conversations_of_the_same_people_are_joined_by_time(
    tmp_path: Path, source: str, files: Files, expected: list[tuple[str, list[str]]]
) -> None:
    with staged(source, files, tmp_path) as staging:
        found = messages(staging)
        kinds = [staging.conversation(key).kind for key in found]
        assert [(kind, [each.text for each in found[key]]) for kind, key in zip(kinds, found, strict=True)] == expected
        assert staging.message_count == sum(map(len, found.values()))


def test_threads_of_joined_conversations_stay_apart(tmp_path: Path) -> None:
    with staged("slack", slack_directs("UANN", "UBEN"), tmp_path) as staging:
        found = {each.text: each for each in messages(staging)["D0UANN"]}
    assert found["reply"].thread == found["root"].key
    assert found["other reply"].thread == found["other root"].key


def test_all_messages_of_joined_conversations_are_imported_once(imported: Command, receiver: Receiver) -> None:
    files = slack_directs("UJOINANN", "UJOINBEN")
    dry = imported("slack", files, "--dry-run")
    real = imported("slack", files)
    assert counts(dry) == counts(real) == {"conversations": 2, "messages": 10, "replies in threads": 2, "users": 2}
    assert dropped(dry) == dropped(real) == {JOINED: 2, "repeated messages": 1}
    texts = [each["content"] for each in receiver.messages("slack-D0UJOINANN")]
    assert texts == ["zero", "one", "two", "other root", "root", "other reply", "reply", "copied"]
    assert receiver.get("/conversations/slack-D0UJOINANN")["createdAt"] == "2017-07-14T02:40:00.000Z"
    again = counts(imported("slack", files))
    assert again == {"conversations, there before": 2, "messages, there before": 10, "users, there before": 2}


def test_a_conversation_in_which_people_wrote_here_gets_what_is_newer(imported: Command, receiver: Receiver) -> None:
    files = slack_directs("UHEREANN", "UHEREBEN")
    for user in ("UHEREANN", "UHEREBEN"):
        receiver.request("PUT", f"/users/{user}", {"name": user}).raise_for_status()
    body = {"kind": "direct", "memberIds": ["UHEREANN", "UHEREBEN"], "id": "written-here"}
    receiver.request("POST", "/conversations", body, by=None).raise_for_status()
    written = {"conversationId": "written-here", "content": "here", "senderId": "UHEREANN"}
    written |= {"createdAt": "2020-01-01T12:00:02.500Z"}
    receiver.request("POST", "/messages", written).raise_for_status()
    assert dropped(imported("slack", files))["messages older than the newest one of their conversation here"] == 3
    texts = [each["content"] for each in receiver.messages("written-here")]
    assert texts == ["here", "other root", "root", "other reply", "reply", "copied"]


def test_names_with_hyphens_lead_to_conversations_of_their_own(tmp_path: Path) -> None:
    teams = [("a", "b-c"), ("a-b", "c"), ("direct", "a-b")]
    channels = [{"team": team, "name": name, "display_name": f"{team}|{name}", "type": "P"} for team, name in teams]
    people = [["a", "b", "c"], ["a-b", "c"], ["a", "b-c"], ["a", "b"]]
    at = {"user": "a", "create_at": 1577880000000}
    found: list[object] = [{"type": "version", "version": 1}, {"type": "user", "user": {"username": "a"}}]
    found += [{"type": "channel", "channel": each} for each in channels]
    found += [{"type": "post", "post": {"team": t, "channel": c, "message": f"{t}|{c}", **at}} for t, c in teams]
    found += [
        {"type": "direct_post", "direct_post": {"members": each, "message": "|".join(each), **at}} for each in people
    ]
    with staged("mattermost", {"import.jsonl": lines(found)}, tmp_path) as staging:
        texts = [[message.text for message in each] for each in messages(staging).values()]
    assert sorted(texts) == sorted([[f"{team}|{name}"] for team, name in teams] + [["|".join(each)] for each in people])
