"""A fuzz over all entry points at once: so many inputs, from one seed, by some workers for each entry point."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from rigs.hostile.entry_points import engine, events, heads, rest, tokens, uploads, websockets
from rigs.hostile.run import Outcome, Run
from rigs.hostile.scene import Scene
from tests.repetition import repetitions

SEED = os.environ.get("TALKWIRE_FUZZ_SEED", "1")
INPUTS = int(os.environ.get("TALKWIRE_FUZZ_INPUTS") or repetitions(100_000, usual=10_000))
"""How many inputs all fuzzes of the suite send together."""


@dataclass(frozen=True)
class EntryPoint:
    """`share` is its part of the inputs, in hundredths."""

    name: str
    attack: Callable[[Run], Coroutine[None, None, None]]
    share: int
    workers: int


ENTRY_POINTS = (
    EntryPoint("REST", rest.attack, 22, 3),
    EntryPoint("events", events.attack, 24, 4),
    EntryPoint("packets", websockets.attack_with_packets, 17, 2),
    EntryPoint("frames", websockets.attack_with_frames, 10, 3),
    EntryPoint("handshakes", engine.attack_with_handshakes, 7, 2),
    EntryPoint("polling", engine.attack_with_polling, 8, 2),
    EntryPoint("heads", heads.attack, 5, 4),
    EntryPoint("uploads", uploads.attack, 4, 4),
    EntryPoint("tokens", tokens.attack, 3, 2),
)


async def attack(scene: Scene, inputs: int, seed: str = SEED) -> Outcome:
    """Sends all inputs and returns the outcome."""
    outcome = Outcome(seed)
    async with asyncio.TaskGroup() as workers:
        for entry_point in ENTRY_POINTS:
            quota = -(-inputs * entry_point.share // (100 * entry_point.workers))
            for worker in range(entry_point.workers):
                run = Run(entry_point.name, worker, quota, scene, outcome)
                workers.create_task(entry_point.attack(run))
    return outcome
