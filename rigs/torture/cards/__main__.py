"""`python -m rigs.torture.cards --seed 7`: many users press the buttons of cards, and vote in a poll, while nodes and
PostgreSQL are killed and stopped. Status 1 when something was violated."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import random
import shutil
import sys
import tempfile
from pathlib import Path

from rigs.torture.cards.counting import run_voting
from rigs.torture.cards.trial import PressPlan, run_press_trials
from rigs.torture.cards.voting import VotingPlan
from rigs.torture.cluster.place import TOPOLOGIES, Topology, running_place
from rigs.torture.sabotage import SABOTAGES


def main() -> int:
    faulthandler.enable()
    arguments = _parser().parse_args()
    seed = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    violated = False
    for topology in arguments.topology or TOPOLOGIES:
        folder = Path(tempfile.mkdtemp(prefix=f"talkwire-cards-{seed}-"))
        print(f"--- {topology}, seed {seed}", flush=True)
        if asyncio.run(_violations(topology, folder, seed, arguments)):
            violated = True
            print(f"  All logs are in {folder}", flush=True)
        else:
            shutil.rmtree(folder)
    return 1 if violated else 0


async def _violations(topology: Topology, folder: Path, seed: int, arguments: argparse.Namespace) -> list[str]:
    """Returns what the trials of a topology have found."""
    plans = [PressPlan(each, arguments.users, arguments.outages) for each in range(seed, seed + arguments.trials)]
    found: list[str] = []
    async with running_place(topology, folder, sabotage=arguments.sabotage) as place:
        if plans:
            found += [each for one in await run_press_trials(place, plans, _report) for each in one.violations]
        if arguments.voters:
            found += (await run_voting(place, VotingPlan(seed, arguments.voters), _report)).violations
    return found


def _report(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rigs.torture.cards", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="the seed of the first trial; a random one if not given")
    add("--trials", type=int, default=1, help="how many trials there are in each topology, one after the other (1)")
    add("--topology", choices=TOPOLOGIES, action="append", help="where; all of them if not given; may be repeated")
    add("--users", type=int, default=50, help="how many users press (50)")
    add("--outages", type=int, default=4, help="how often something is killed or stopped in a trial at most (4)")
    add("--voters", type=int, default=0, help="how many users vote in a poll after the trials, at most 10,000 (0)")
    add("--sabotage", choices=SABOTAGES, help="breaks the server on purpose")
    return parser


if __name__ == "__main__":
    sys.exit(main())
