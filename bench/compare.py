"""`python -m bench.compare TREE`: processor time for each message of this tree's server, against that of other trees.

One server of each tree runs, all on the same core, and they take turns under the same load. The server that starts
first costs up to 8 % more than the same server started second, so the turns are made twice, with the servers started in
both orders. The figure is the geometric mean of both orders' medians of the ratios of neighbouring turns. With
`--database postgresql` each server has a PostgreSQL of its own, whose processor time counts too.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import build
from bench.contest import Contender, Load, contest, spread_of_ratios
from bench.entrants import (
    TALKWIRE,
    TALKWIRE_NODES,
    TALKWIRE_POSTGRESQL,
    talkwire_arguments,
)
from bench.load import LoadFailedError, LoadGenerator
from bench.machine import raise_file_limit
from bench.scenarios import SCENARIOS, Scenario
from bench.servers import Entrant, Place, ServerFailedError

TURN_WARMUP_S = 0.1
TURN_S = 0.4

LOADS = {load.metric: (scenario, load) for scenario in SCENARIOS for load in scenario.loads}
ENTRANTS = {"sqlite": TALKWIRE, "postgresql": TALKWIRE_POSTGRESQL, "nodes": TALKWIRE_NODES}


def main() -> int:
    options = parse_options()
    raise_file_limit()
    trees = [build.HERE.parent, *options.trees]
    try:
        for name in options.loads:
            compare(trees, *LOADS[name], ENTRANTS[options.database], options.turns)
    except (LoadFailedError, ServerFailedError) as error:
        print(f"bench.compare: {error}", file=sys.stderr)
        return 1
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__.partition("\n")[0])
    parser.add_argument("trees", type=Path, nargs="+", metavar="TREE", help="another checkout, such as a git worktree")
    usual = ["pairs", "fanout-1", "fanout-16", "handshake", "first"]
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=usual)
    parser.add_argument("--database", choices=ENTRANTS, default="sqlite", help="nodes: two servers with PostgreSQL")
    parser.add_argument("--turns", type=int, default=40, help="turns of each server, half of them in each order")
    return parser.parse_args()


def compare(trees: Sequence[Path], scenario: Scenario, load: Load, entrant: Entrant, turns: int) -> None:
    """Measures the servers of several source trees in turns under one load, and prints processor times and ratios.
    Half of the turns are with the servers started in the reverse order."""
    print(f"{load.metric}: processor time for each message or handshake", flush=True)
    both = [costs_of_turns(order, scenario, load, entrant, turns // 2) for order in (trees, trees[::-1])]
    for tree in trees:
        turns_of_tree = [turn for costs in both for turn in costs[tree]]
        parts = " + ".join(f"{statistics.median(part):.1f}" for part in zip(*turns_of_tree, strict=True))
        print(f"  {parts} µs  {tree}", end="")
        spreads = [spread_of_ratios([*map(sum, costs[trees[0]])], [*map(sum, costs[tree])]) for costs in both]
        low, median, high = map(statistics.geometric_mean, zip(*spreads, strict=True))
        print("" if tree == trees[0] else f"  this tree is at {median:.3f} of it [{low:.2f}..{high:.2f}]")


def costs_of_turns(
    trees: Sequence[Path], scenario: Scenario, load: Load, entrant: Entrant, turns: int
) -> dict[Path, list[list[float]]]:
    """Starts a server of each tree in this order. Returns, for each tree and turn, the microseconds of each of the
    server's processes for a message or handshake."""
    generator = LoadGenerator(build.load_generator(), TURN_WARMUP_S, TURN_S)
    with ExitStack() as stack:
        contenders = {}
        for tree in trees:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=build.BUILD)))
            server = replace(entrant, name=str(tree), command=partial(_command, tree))
            files = scenario.data.write(folder)
            contenders[tree] = Contender(stack.enter_context(server.running(folder, scenario.data, files)), files)
        samples = list(contest(contenders, load, generator, turns))
    processes = [process.name for process in contenders[trees[0]].server.processes]
    return {
        tree: [[turn[tree][f"{load.metric}.us.{process}"] for process in processes] for turn in samples]
        for tree in trees
    }


def _command(tree: Path, place: Place) -> list[str]:
    """Returns the command line of a tree's server, which runs on the tree's own Python if that is installed."""
    own = tree / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    run = f"import sys; sys.path.insert(0, {str(tree / 'src')!r}); from talkwire.cli import main; sys.exit(main())"
    return [python, "-c", run, *talkwire_arguments(place)]


if __name__ == "__main__":
    sys.exit(main())
