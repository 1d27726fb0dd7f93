"""`python -m rigs.torture --seed 7 --minutes 30`: a campaign, and its report. Status 1 when something was violated."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import random
import shutil
import sys
import tempfile
from pathlib import Path

from rigs.torture.campaign import run
from rigs.torture.options import Options
from rigs.torture.report import report, write_report
from rigs.torture.sabotage import SABOTAGES
from rigs.torture.schedule import KINDS


def main() -> int:
    faulthandler.enable()
    arguments = _parser().parse_args()
    kinds = {kind.name for kind in KINDS}
    for name in (*arguments.without, *arguments.only):
        if name not in kinds:
            print(f"no such fault: {name}; there are {', '.join(sorted(kinds))}", file=sys.stderr)
            return 2
    seed = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix=f"talkwire-torture-{seed}-"))
    folder.mkdir(parents=True, exist_ok=True)
    options = Options(
        seed=seed,
        seconds=arguments.minutes * 60,
        folder=folder,
        clients=arguments.clients,
        gap_s=arguments.gap,
        pace_s=arguments.pace,
        without=frozenset(arguments.without),
        only=frozenset(arguments.only),
        brief=arguments.brief,
        websocket_only=arguments.websocket_only,
        sabotage=arguments.sabotage,
    )
    outcome = asyncio.run(run(options, lambda line: print(line, flush=True)))
    print(report(outcome))
    violated = bool(outcome.findings.violations)
    if violated or arguments.keep or arguments.folder:
        write_report(outcome, folder)
        print(f"\nThe whole history, the report and all logs are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if violated else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="what everything follows from; a random one if it is not given")
    add("--minutes", type=float, default=10.0, help="how long clients act (10)")
    add("--clients", type=int, default=32, help="how many there are (32)")
    add("--gap", type=float, default=9.0, help="seconds between two faults, on average (9)")
    add("--pace", type=float, default=0.8, help="seconds between two commands of a client, on average (0.8)")
    add("--without", action="append", default=[], metavar="FAULT", help="leaves a kind of fault out; may be repeated")
    add("--only", action="append", default=[], metavar="FAULT", help="only this kind of fault; may be repeated")
    add("--brief", action="store_true", help="faults last a few seconds at most")
    add("--websocket-only", action="store_true", help="no client polls")
    add("--sabotage", choices=sorted(SABOTAGES), help="breaks something of the server on purpose")
    add("--folder", type=Path, help="where logs and the history are kept")
    add("--keep", action="store_true", help="keeps the folder though nothing was violated")
    return parser


if __name__ == "__main__":
    sys.exit(main())
