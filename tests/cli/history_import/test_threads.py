"""The replies of a thread stay together, whatever became of its first message."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talkwire.cli.history_import.archive import Archive
from talkwire.cli.history_import.dry_run import AcceptingServer, UnfetchedFiles
from talkwire.cli.history_import.people import People
from talkwire.cli.history_import.run import ImportRun
from talkwire.cli.history_import.source import SourceConversation, SourceMessage
from talkwire.cli.history_import.staging import Staging
from talkwire.cli.progress import Lines
from tests.cli.history_import.conftest import Command, Receiver, counts, dropped
from tests.cli.history_import.exports import ANN, BEN, START_MS, Files, lines, slack_message, slack_user
from tests.cli.history_import.staged import staged
from tests.repetition import repetitions

Message = dict[str, Any]
Thread = tuple[str, int, tuple[int, ...]]
"""What the first message is, and its time and those of the replies, in seconds."""

NOTES = "first messages of threads, of which a note is left"

# What is left of the first message, by what it is in the export; None if nothing is left.
SLACK_ROOTS: dict[str, tuple[Message | None, str | None]] = {
    "message": ({"user": ANN, "text": "root"}, "root"),
    "deleted": (
        {"user": "USLACKBOT", "subtype": "tombstone", "hidden": True, "text": "This message was deleted."},
        "This message was deleted.",
    ),
    "huddle": ({"user": "USLACKBOT", "subtype": "huddle_thread", "room": {}, "text": "A huddle started"}, "A huddle."),
    "call": ({"user": ANN, "subtype": "call"}, "A call."),
    "canvas": ({"user": ANN, "subtype": "channel_canvas_updated"}, "A canvas."),
    "notice": ({"user": BEN, "subtype": "channel_join", "text": f"<@{BEN}> has joined"}, "@ben has joined"),
    "hidden": ({"user": BEN, "hidden": True, "text": "Only you see this"}, "Only you see this"),
    "deleted file": ({"user": ANN, "text": "", "files": [{"id": "F", "mode": "tombstone"}]}, "A file that is lost."),
    "lost file": ({"user": ANN, "text": "", "files": [{"id": "F", "name": "a.png"}]}, "A file that is lost."),
    "empty": ({"user": ANN, "text": " "}, "A message without a text."),
    "missing": (None, None),
}
ROCKETCHAT_ROOTS: dict[str, tuple[Message | None, str | None]] = {
    "message": ({"msg": "root"}, "root"),
    "deleted": ({"t": "rm", "msg": "gone"}, "This message was deleted."),
    "hidden": ({"_hidden": True, "msg": "gone"}, "This message was deleted."),
    "notice": ({"t": "uj", "msg": "ben"}, "Has joined the room."),
    "encrypted": ({"t": "e2e", "msg": "x"}, "An encrypted message."),
    "call": ({"t": "videoconf"}, "A call."),
    "empty": ({"msg": ""}, "A message without a text."),
    "lost file": ({"msg": "", "file": {"_id": "F", "name": "a.png"}}, "A file that is lost."),
    "missing": (None, None),
}
MATTERMOST_ROOTS: dict[str, tuple[Message | None, str | None]] = {
    "message": ({"message": "root"}, "root"),
    "deleted": ({"message": "gone", "delete_at": 1}, "This message was deleted."),
    "notice": ({"message": "ben joined.", "type": "system_join_channel"}, "ben joined."),
    "call": ({"message": "", "type": "custom_calls"}, "A call."),
    "empty": ({"message": ""}, "A message without a text."),
    "lost file": ({"message": "", "attachments": [{"path": "a.png"}]}, "A file that is lost."),
    "no author": ({"message": "root", "user": ""}, None),
    "no time": ({"message": "root", "create_at": None}, None),
}


def slack(threads: list[Thread]) -> Files:
    found = []
    for number, (kind, at, replies) in enumerate(threads):
        root, raw = f"{1577880000 + at}.{number:06}", SLACK_ROOTS[kind][0]
        for index, reply_at in enumerate(replies):
            ts = f"{1577880000 + reply_at}.{1000 * (number + 1) + index:06}"
            found.append(slack_message(ts, BEN, f"{number}:{index}", thread_ts=root))
        if raw is not None:
            found.append({"type": "message", "ts": root, "thread_ts": root, "reply_count": len(replies), **raw})
    return {
        "users.json": [slack_user(ANN, "ann"), slack_user(BEN, "ben")],
        "channels.json": [{"id": "C", "name": "c", "members": [ANN, BEN]}],
        "c/2020-01-01.json": found,
    }


def rocketchat(threads: list[Thread]) -> Files:
    found = []
    for number, (kind, at, replies) in enumerate(threads):
        raw = ROCKETCHAT_ROOTS[kind][0]
        for index, reply_at in enumerate(replies):
            reply = {"_id": f"m{number}.{index}", "rid": "c", "msg": f"{number}:{index}", "tmid": f"m{number}"}
            found.append({**reply, "ts": START_MS + 1000 * reply_at, "u": {"_id": "ben", "username": "ben"}})
        if raw is not None:
            author = {"_id": "ann", "username": "ann"}
            found.append({"_id": f"m{number}", "rid": "c", "ts": START_MS + 1000 * at, "u": author, **raw})
    return {
        "users.json": lines([{"_id": "ann", "username": "ann"}, {"_id": "ben", "username": "ben"}]),
        "rocketchat_room.json": lines([{"_id": "c", "t": "c", "name": "c"}]),
        "rocketchat_message.json": lines(found),
    }


def mattermost(threads: list[Thread]) -> Files:
    found: list[Message] = [
        {"type": "version", "version": 1},
        {"type": "channel", "channel": {"team": "t", "name": "c", "display_name": "c", "type": "O"}},
    ]
    for number, (kind, at, times) in enumerate(threads):
        replies = [
            {"user": "ben", "message": f"{number}:{index}", "create_at": START_MS + 1000 * reply_at + number}
            for index, reply_at in enumerate(times)
        ]
        where = {"team": "t", "channel": "c", "user": "ann", "create_at": START_MS + 1000 * at + number}
        found.append({"type": "post", "post": {**where, **(MATTERMOST_ROOTS[kind][0] or {}), "replies": replies}})
    return {"import.jsonl": lines(found)}


class RecordingServer(AcceptingServer):
    """An empty server that keeps the messages it accepts, in order."""

    def __init__(self) -> None:
        super().__init__(1_000_000)
        self.messages: list[Message] = []

    def _accepted(self, message: Message) -> Message:
        accepted: Message = super()._accepted(message)
        self.messages.append({**message, **accepted})
        return accepted


def imported_messages(staging: Staging, folder: Path) -> list[Message]:
    server = RecordingServer()
    with Archive(folder) as archive:
        run = ImportRun("other", staging, server, UnfetchedFiles(archive), Lines())
        asyncio.run(run.run())
    return server.messages


SYSTEMS: dict[str, tuple[Callable[[list[Thread]], Files], dict[str, tuple[Message | None, str | None]]]] = {
    "slack": (slack, SLACK_ROOTS),
    "rocketchat": (rocketchat, ROCKETCHAT_ROOTS),
    "mattermost": (mattermost, MATTERMOST_ROOTS),
}

_TIMES = st.integers(0, 5)


@pytest.mark.parametrize("source", SYSTEMS)
@settings(max_examples=repetitions(100), deadline=None)
@given(data=st.data())
def test_the_replies_of_a_thread_are_in_one_thread(source: str, data: st.DataObject) -> None:
    export, roots = SYSTEMS[source]
    replies = st.lists(_TIMES, max_size=4).map(tuple)
    threads = data.draw(st.lists(st.tuples(st.sampled_from(sorted(roots)), _TIMES, replies), max_size=6))
    with tempfile.TemporaryDirectory() as name, staged(source, export(threads), Path(name)) as staging:
        found = imported_messages(staging, Path(name))
    assert [each["createdAt"] for each in found] == sorted(each["createdAt"] for each in found)
    by_id = {each["id"]: each for each in found}
    assert all("threadId" not in by_id[each["threadId"]] for each in found if "threadId" in each)
    by_text = {each["content"]: each for each in found if ":" in each["content"]}
    for number, (kind, _, times) in enumerate(threads):
        replies_found = [by_text[f"{number}:{index}"] for index in range(len(times))]
        begun_by = {each.get("threadId", each["id"]) for each in replies_found}
        assert len(begun_by) == min(1, len(times))
        note = roots[kind][1]
        if times and note is not None:
            assert all(by_id[each["threadId"]]["content"] == note for each in replies_found)
        elif times:
            assert sum("threadId" not in each for each in replies_found) == 1


@pytest.mark.parametrize("source", SYSTEMS)
def test_skipped_messages_without_replies_are_dropped(source: str, tmp_path: Path) -> None:
    export, roots = SYSTEMS[source]
    with staged(source, export([(kind, at, ()) for at, kind in enumerate(roots)]), tmp_path) as staging:
        assert [each["content"] for each in imported_messages(staging, tmp_path)] == ["root"]
        assert staging.message_count == 2  # the one whose file is lost is counted when it is sent
        assert NOTES not in staging.dropped


def test_notes_have_the_author_that_the_export_names(tmp_path: Path) -> None:
    with staged("rocketchat", rocketchat([("deleted", 0, (1,))]), tmp_path) as staging:
        assert [each["senderId"] for each in imported_messages(staging, tmp_path)] == ["ann", "ben"]
        assert staging.dropped == {NOTES: 1}


def test_replies_to_replies_are_in_the_thread_of_the_first_message(tmp_path: Path) -> None:
    chain = [
        {"_id": f"m{number}", "rid": "c", "msg": str(number), "ts": START_MS - number, "u": {"_id": "ann"}}
        for number in range(8)
    ]
    for reply, parent in ((1, 0), (2, 1), (3, 2), (4, 4), (5, 6), (6, 7), (7, 5)):
        chain[reply]["tmid"] = f"m{parent}"
    files = {**rocketchat([]), "rocketchat_message.json": lines(chain)}
    with staged("rocketchat", files, tmp_path) as staging:
        found = {each["content"]: each for each in imported_messages(staging, tmp_path)}
    assert len(found) == 8
    assert {found[text]["threadId"] for text in "123"} == {found["0"]["id"]}
    assert "threadId" not in found["4"]
    assert len({found[text].get("threadId", found[text]["id"]) for text in "567"}) == 1


def steps_of_arranging(count: int) -> int:
    """Returns the thousands of steps that the database takes to arrange one conversation of `count` messages."""
    staging, steps = Staging(People("other", "source")), 0

    def step() -> None:
        nonlocal steps
        steps += 1

    staging.add_conversation(SourceConversation("c", "group", []))
    for number in range(count):
        message = SourceMessage("c", str(number), "a", (number * 7919) % count, "", thread=str(number // 9))
        message.skipped = "notices" if number % 5 == 0 else None
        staging.add_message(message)
    staging._db.set_progress_handler(step, 1000)
    staging.arrange()
    staging.close()
    return steps


def test_arranging_takes_work_in_proportion_to_the_messages() -> None:
    assert steps_of_arranging(16_000) < 6 * steps_of_arranging(4_000)


def test_threads_stay_together_on_a_server_and_in_a_later_export(imported: Command, receiver: Receiver) -> None:
    kinds = ["deleted", "huddle", "notice", "deleted file", "lost file", "missing"]
    files = dict(slack([(kind, 10 * at, (10 * at + 2, 10 * at + 1)) for at, kind in enumerate(kinds)]))
    dry = imported("slack", files, "--dry-run")
    real = imported("slack", files)
    assert counts(dry) == counts(real)
    assert dropped(dry) == dropped(real)
    found = receiver.messages("slack-C")
    shown = {each["id"]: each["content"] for each in found}
    expected = [SLACK_ROOTS[kind][1] for kind in kinds[:-1] for _ in range(2)]
    assert [shown[each["threadId"]] for each in found if "threadId" in each] == [*expected, "5:1"]
    later = [slack_message("1577890000.000000", BEN, "later", thread_ts=f"{1577880000 + 50}.000005")]
    files["c/2020-01-02.json"] = later
    assert counts(imported("slack", files))["messages"] == 1
    first = next(each["id"] for each in found if each["content"] == "5:1")
    assert receiver.messages("slack-C")[-1]["threadId"] == first
