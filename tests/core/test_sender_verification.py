"""Messages of unknown nodes wait until the leases were read, also if reading fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from structlog.testing import capture_logs

from talkwire.core.cluster import sender_verification
from talkwire.core.cluster.peers import Peers
from talkwire.core.cluster.sender_verification import SenderVerifier
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.ports.bus import AnyBusMessage, BusCounts, EphemeralBatch
from tests.waiting import until


class Introduced:
    """A verifier whose leases are those of `living`, or whose reads fail."""

    def __init__(self) -> None:
        self.living: list[Peer] = []
        self.fails = False
        self.reads = 0
        self.received: list[AnyBusMessage] = []
        self.counts = BusCounts()
        peers = Peers("one", lambda *_: None, lambda: False)
        self.introductions = SenderVerifier(peers, self._list_living, self.received.append, self.counts)

    async def _list_living(self) -> Iterable[Peer]:
        self.reads += 1
        if self.fails:
            raise ValueError("as a bug would")
        return self.living


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_verification, "LEASES_READ_S", 0.001)
    monkeypatch.setattr(sender_verification, "SENDER_WARN_EVERY_S", 3600.0)


async def test_leases_that_cannot_be_read_cost_what_was_held_and_nothing_after_it() -> None:
    introduced = Introduced()
    introduced.fails = True
    unhandled: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    with capture_logs() as logs:
        for number in range(1, 6):
            introduced.introductions.hold(EphemeralBatch("two", ()))
            await until(lambda number=number: introduced.counts.refused == number)  # type: ignore[misc]
    failed = [entry for entry in logs if entry["log_level"] == "error"]
    assert (len(failed), introduced.received, unhandled) == (1, [], [])
    introduced.fails = False
    introduced.living = [Peer("two", None)]
    introduced.introductions.hold(notified := EphemeralBatch("two", ()))
    await until(lambda: bool(introduced.received))
    assert introduced.received == [notified]


async def test_senders_without_a_lease_do_not_fill_the_log() -> None:
    introduced = Introduced()
    with capture_logs() as logs:
        for number in range(20):
            introduced.introductions.hold(EphemeralBatch(f"stranger {number}", ()))
            introduced.introductions.hold(EphemeralBatch(f"stranger {number}b", ()))
            await until(lambda number=number: introduced.counts.refused == 2 * number + 2)  # type: ignore[misc]
    assert introduced.reads > 1
    assert len(logs) == 1
