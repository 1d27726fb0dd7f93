"""`python -m rigs.torture.turns --seed 7`: people ask an agent whose replicas, nodes and PostgreSQL are killed and
stopped. Status 1 when something was violated."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import random
import shutil
import sys
import tempfile
from pathlib import Path

from rigs.torture.cluster.place import TOPOLOGIES, Topology, running_place
from rigs.torture.sabotage import SABOTAGES
from rigs.torture.turns.trial import ENVIRONMENT, TurnOutcome, TurnPlan, run_turn_trial


def main() -> int:
    faulthandler.enable()
    arguments = _parser().parse_args()
    first = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    violated = False
    for seed in range(first, first + arguments.times):
        for topology in arguments.topology or TOPOLOGIES:
            folder = Path(tempfile.mkdtemp(prefix=f"talkwire-turns-{seed}-"))
            print(f"--- {topology}, seed {seed}", flush=True)
            if asyncio.run(_run(topology, folder, seed, arguments)).violations:
                violated = True
                print(f"  All logs are in {folder}", flush=True)
            else:
                shutil.rmtree(folder)
    return 1 if violated else 0


async def _run(topology: Topology, folder: Path, seed: int, arguments: argparse.Namespace) -> TurnOutcome:
    plan = TurnPlan(
        seed,
        mentions=arguments.mentions,
        rate=arguments.rate,
        conversations=arguments.conversations,
        faults=arguments.faults,
        chains=arguments.chains,
    )
    sabotage = arguments.sabotage
    async with running_place(topology, folder, ENVIRONMENT, sabotage) as place:
        return await run_turn_trial(place, folder, plan, lambda line: print(line, flush=True), sabotage)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rigs.torture.turns", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="what the requests and the faults follow from; a random one if not given")
    add("--times", type=int, default=1, help="how many seeds are tried, one after the other (1)")
    add("--topology", choices=TOPOLOGIES, action="append", help="where; all of them if not given; may be repeated")
    add("--mentions", type=int, default=1000, help="how many messages ask the agent (1,000)")
    add("--rate", type=float, default=8.0, help="how many of them there are a second on average (8)")
    add("--conversations", type=int, default=40, help="in how many conversations (40)")
    add("--faults", type=int, default=40, help="how often something is killed or stopped (40)")
    add("--chains", type=int, default=6, help="how often two agents begin to answer each other (6)")
    add("--sabotage", choices=SABOTAGES, help="breaks the server on purpose")
    return parser


if __name__ == "__main__":
    sys.exit(main())
