"""`python -m rigs.torture.streams --seed 7`: kills and stops authors, nodes and PostgreSQL while messages are
written. Status 1 when something was violated."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import random
import shutil
import sys
import tempfile
from pathlib import Path

from rigs.torture.cluster.breaking import HOWS
from rigs.torture.cluster.place import TOPOLOGIES, Topology, running_place
from rigs.torture.streams.faults import Plan
from rigs.torture.streams.trial import Outcome, run_trials


def main() -> int:
    faulthandler.enable()
    arguments = _parser().parse_args()
    first = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    violated = 0
    for seed in range(first, first + arguments.times):
        for topology in arguments.topology or TOPOLOGIES:
            folder = Path(tempfile.mkdtemp(prefix=f"talkwire-streams-{seed}-"))
            print(f"--- {topology}, seed {seed}", flush=True)
            plan = Plan(seed, arguments.appends, arguments.rate, arguments.faults, hows=tuple(arguments.how or HOWS))
            outcomes = asyncio.run(_run(topology, folder, [plan]))
            if any(outcome.violations for outcome in outcomes):
                violated += 1
                print(f"  All logs are in {folder}", flush=True)
            else:
                shutil.rmtree(folder)
    return 1 if violated else 0


async def _run(topology: Topology, folder: Path, plans: list[Plan]) -> list[Outcome]:
    async with running_place(topology, folder) as place:
        return await run_trials(place, folder, plans, lambda line: print(line, flush=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rigs.torture.streams", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="what the text, the faults and their times follow from; a random one if not given")
    add("--times", type=int, default=1, help="how many seeds are tried, one after the other (1)")
    add("--topology", choices=TOPOLOGIES, action="append", help="where; all of them if not given; may be repeated")
    add("--appends", type=int, default=400, help="how many appends the author writes (400)")
    add("--rate", type=float, default=20.0, help="appends a second on average (20); 0 for as many as are answered")
    add("--faults", type=int, default=8, help="how many faults there are (8)")
    add("--how", choices=HOWS, action="append", help="how things break; both ways if not given")
    return parser


if __name__ == "__main__":
    sys.exit(main())
