"""What `/readyz` says, from what those say whom it asks."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from talkwire.api import readiness as module
from talkwire.api.readiness import Readiness, ReadinessMetrics
from talkwire.core.errors import ChatError


async def answers() -> None:
    pass


async def is_away() -> None:
    raise ChatError("unavailable", "The database does not answer.")


def yes() -> bool:
    return True


async def test_a_node_without_its_bus_is_ready_and_says_so() -> None:
    standing = await Readiness(answers, bus_away=yes).standing()
    assert (standing.status, standing.bus) == ("ok", "away")


@pytest.mark.parametrize(
    ("readiness", "status", "said"),
    [
        (Readiness(is_away), "unavailable", {"database": "away"}),
        (Readiness(answers, lease_lost=yes), "unavailable", {"lease": "lost"}),
        (Readiness(answers, draining=yes), "draining", {"draining": True}),
        (Readiness(is_away, draining=yes), "unavailable", {"database": "away", "draining": True}),
    ],
)
async def test_a_node_is_not_ready(readiness: Readiness, status: str, said: dict[str, object]) -> None:
    standing = await readiness.standing()
    assert standing.status == status
    assert {name: getattr(standing, name) for name in said} == said


async def test_a_database_that_takes_too_long_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "DATABASE_TIMEOUT_S", 0.01)
    assert (await Readiness(for_ever).standing()).database == "away"


def test_the_metrics_say_the_same() -> None:
    registry = CollectorRegistry()
    registry.register(ReadinessMetrics(Readiness(answers, bus_away=yes)))
    text = generate_latest(registry).decode()
    for line in ("talkwire_bus_away 1.0", "talkwire_lease_lost 0.0", "talkwire_draining 0.0"):
        assert line in text.splitlines()
