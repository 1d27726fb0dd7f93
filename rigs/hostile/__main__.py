"""`make fuzz ARGS="--seed 7 --inputs 1000000"`: the fuzz for as long as one likes, and its report. Status 1 when
something did not hold."""

from __future__ import annotations

import argparse
import inspect
import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rigs.hostile.trial import HoldsWithoutLimits, Trial, attacked
from tests.databases import postgresql_server


def main() -> int:
    arguments = _parser().parse_args()
    seed = arguments.seed or str(random.SystemRandom().randrange(10**6))
    folder = Path(tempfile.mkdtemp(prefix=f"talkwire-fuzz-{seed}-"))
    print(f"seed {seed}, {arguments.inputs} inputs; the server's log is in {folder}", flush=True)
    with ExitStack() as resources:
        environment = {}
        if arguments.postgresql:
            server = resources.enter_context(postgresql_server())
            url = server.url_of(server.create_migrated())
            environment["DATABASE_URL"] = url.render_as_string(hide_password=False)
        trial = attacked(folder, arguments.inputs, environment, seed=seed)
    _report(trial)
    problems = _problems(trial)
    for name, problem in problems:
        print(f"{name}:\n{problem}\n")
    return 1 if problems else 0


def _report(trial: Trial) -> None:
    outcome = trial.outcome
    print(f"{outcome.sent.total()} inputs in {trial.seconds:.0f} s, {trial.items_read} items read in the end")
    for name in outcome.sent:
        answers = {answer: count for (entry, answer), count in sorted(outcome.answers.items()) if entry == name}
        print(f"  {name}: {answers}")
    before, after = trial.before.resident_mib, trial.after.resident_mib
    print(f"  another client waited {trial.seen.worst_s:.3f} s at most; {before:.0f} MiB before, {after:.0f} after\n")


def _problems(trial: Trial) -> list[tuple[str, AssertionError]]:
    """What did not hold, by the names of the tests that the suite has of it."""
    found = []
    for name, check in inspect.getmembers(HoldsWithoutLimits(), inspect.ismethod):
        if name.startswith("test_"):
            try:
                check(trial)
            except AssertionError as error:
                found.append((name, error))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seed", help="what every input follows from; a random one if it is not given")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL instead of SQLite")
    return parser


if __name__ == "__main__":
    sys.exit(main())
