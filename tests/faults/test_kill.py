"""A server is killed in a burst of messages: each acknowledged message is stored once."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

from sqlalchemy import select, text

from talkwire.storage.engine import sqlite_url, writing_engine
from talkwire.storage.schema import log, log_head, messages
from tests.forked_talkwire import Streams, pipe, start_python

PROGRAM = Path(__file__).parent / "acking_process.py"
ROUNDS = 4
SENDERS = 20


def _killed_after(path: Path, name: str, acks: int) -> dict[str, int]:
    """Runs the server until it has acknowledged so many messages; client message id -> seq of all that it did."""
    arguments = [str(PROGRAM), str(path), name, str(SENDERS)]
    with pipe() as (output, writable):
        with Path(os.devnull).open("r+b") as nothing, writable:
            process = start_python(arguments, Streams(nothing, writable, nothing), os.environ, Path.cwd())
        lines = [output.readline() for _ in range(acks)]
        process.kill()
        # What it acknowledged before it died is in the pipe; the last line may be incomplete.
        lines += output.read().splitlines(keepends=True)
        process.wait()
    whole = [line.split() for line in lines if line.endswith("\n")]
    assert len(whole) >= acks, "the server ended by itself"
    return {client_message_id: int(seq) for seq, client_message_id in whole}


def test_a_killed_server_has_every_acknowledged_message_exactly_once(tmp_path: Path) -> None:
    path = tmp_path / "talkwire.db"
    moments = random.Random(20_240_611)
    acknowledged: dict[str, int] = {}
    for number in range(ROUNDS):
        acknowledged |= _killed_after(path, f"round{number}", moments.randint(1, 1500))
        _check(path, acknowledged)


def _check(path: Path, acknowledged: dict[str, int]) -> None:
    engine = writing_engine(sqlite_url(path))
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        rows = connection.execute(
            select(messages.c.client_message_id, messages.c.seq, messages.c.content).order_by(messages.c.seq)
        ).all()
        positions = connection.execute(select(log.c.pos).order_by(log.c.pos)).scalars().all()
        head = connection.execute(select(log_head.c.pos)).scalar_one()
    engine.dispose()
    stored = {row.client_message_id: row.seq for row in rows}
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert max(Counter(row.client_message_id for row in rows).values()) == 1
    assert {key: stored.get(key) for key in acknowledged} == acknowledged
    assert positions == list(range(1, head + 1))
    # Each of the senders waits for its ack, so what was stored and not acknowledged is at most one message of each.
    assert len(stored) - len(acknowledged) <= SENDERS * ROUNDS
