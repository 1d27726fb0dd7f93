"""`python -m bench`: runs every scenario on all servers in turns, then measures how waiting times grow with the amount
of data, and prints medians and ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from bench import build, ejabberd, machine, report, scale, synapse
from bench.backing import BackingFailedError, postgresql_version, valkey_version
from bench.contest import Contender, contest
from bench.entrants import FAMILIES, SYNAPSE
from bench.growth import report as growth
from bench.growth.axes import AXIS_NAMES, LARGEST
from bench.load import LoadFailedError, LoadGenerator
from bench.report import Results
from bench.scenarios import CHAT_TURN_S, IDLE_CONNECTIONS, SCENARIOS, TURN_S, Scenario
from bench.servers import Entrant, ServerFailedError

GROWTH = "growth"
TURN_WARMUP_S = 0.1
REST_S = 30.0
PAGE = build.HERE.parent / "docs" / "benchmarks.md"


def main() -> int:
    """Runs the scenarios that the command line selects, and returns the exit status."""
    options = parse_options()
    began = time.monotonic()
    try:
        where = conditions(options)
        print("\n".join(where), file=sys.stderr)
        results = run(options, began)
        print(report.as_text(results, PAGE.read_text()))
        if options.write:
            report.write_tables(PAGE, results, where)
            scale.write_tables()
        if GROWTH in options.only:
            growth.report(AXIS_NAMES, LARGEST, options.data, writes=options.write)
    except (LoadFailedError, ServerFailedError, BackingFailedError, OSError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(f"{_elapsed(began)} in all")
    return 0


def parse_options() -> argparse.Namespace:
    """Parses the command line. Without options: all scenarios and servers."""
    names = (*(scenario.name for scenario in SCENARIOS), GROWTH)
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", type=_choice_of(names), default=names, metavar="NAMES", help=",".join(names))
    parser.add_argument(
        "--servers", type=_choice_of(FAMILIES), default=FAMILIES, metavar="NAMES", help=",".join(FAMILIES)
    )
    parser.add_argument("--turns", type=int, default=20, help=f"turns of {TURN_S:g} s of each server under each load")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the scenarios in which no turns can be taken")
    parser.add_argument("--warmup", type=float, default=1, help="seconds before each measurement of a round")
    parser.add_argument("--seconds", type=float, default=3, help="seconds of each measurement of a round")
    parser.add_argument(
        "--quick", action="store_true", help="few turns and one short round, to see that everything runs"
    )
    parser.add_argument("--data", type=Path, default=build.BUILD, help="folder for the databases: on a real disk")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    if options.quick:
        options.turns, options.rounds, options.warmup, options.seconds = 2, 1, 1, 2
    return options


def run(options: argparse.Namespace, began: float) -> Results:
    """Runs all scenarios and returns their samples. `began` is when the program started, by time.monotonic()."""
    load = LoadGenerator(build.load_generator(), options.warmup, options.seconds)
    for family in set(options.servers) & BUILDS.keys():
        BUILDS[family]()
    _check_machine(options)
    results = Results()
    for scenario in SCENARIOS:
        entrants = [entrant for entrant in scenario.entrants if entrant.family in options.servers]
        if scenario.name not in options.only or not entrants:
            continue
        print(
            f"[{_elapsed(began)}] {scenario.name}: {', '.join(entrant.name for entrant in entrants)} …", file=sys.stderr
        )
        if scenario.loads:
            turns = replace(load, warmup_s=TURN_WARMUP_S, seconds=scenario.turn_s)
            _take_turns(scenario, entrants, turns, options, results)
        else:
            _measure_rounds(scenario, entrants, load, options, results)
        save(results)
    return results


def _take_turns(
    scenario: Scenario, entrants: Sequence[Entrant], load: LoadGenerator, options: argparse.Namespace, results: Results
) -> None:
    """Runs all servers of a scenario at the same time, and lets them take turns under each load."""
    with ExitStack() as stack:
        contenders = {}
        for entrant in entrants:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=options.data)))
            files = entrant.write_files(scenario.data, folder)
            server = stack.enter_context(entrant.running(folder, scenario.data, files))
            contenders[entrant] = Contender(server, files, entrant.turn_length)
        for each in scenario.loads:
            for turn in contest(contenders, each, load, options.turns, REST_S):
                for entrant, samples in turn.items():
                    results.add(entrant, samples)
            for entrant in entrants:
                _progress(f"    {entrant.name}", results.medians(entrant, each.metric))


def _measure_rounds(
    scenario: Scenario, entrants: Sequence[Entrant], load: LoadGenerator, options: argparse.Namespace, results: Results
) -> None:
    """Starts one server after the other, measures a scenario, and repeats that in rounds."""
    assert scenario.measure is not None
    for number in range(1, 2 if scenario.once else options.rounds + 1):
        for entrant in entrants:
            with tempfile.TemporaryDirectory(prefix="run-", dir=options.data) as name:
                folder = Path(name)
                files = entrant.write_files(scenario.data, folder)
                with entrant.running(folder, scenario.data, files) as server:
                    samples = scenario.measure(load, server, files)
            results.add(entrant, samples)
            _progress(f"    round {number}, {entrant.name}", samples)


def save(results: Results) -> None:
    """Writes all samples to `results.json` in the build folder; the printed tables have medians only."""
    samples = [
        {"metric": metric, "server": server, "samples": values} for (metric, server), values in results.samples.items()
    ]
    (build.BUILD / "results.json").write_text(json.dumps(samples, indent=1))


def conditions(options: argparse.Namespace) -> list[str]:
    """Returns the introduction of the results: when, on which machine and with which versions the scenarios are
    measured.
    """
    taking_part = {entrant for scenario in SCENARIOS if scenario.name in options.only for entrant in scenario.entrants}
    families = {entrant.family for entrant in taking_part} & set(options.servers)
    versions = [VERSIONS[family]() for family in FAMILIES if family in families]
    versions += [postgresql_version()] if any(entrant.on_postgresql for entrant in taking_part) else []
    versions += [valkey_version()] if any(entrant.on_valkey for entrant in taking_part) else []
    today = f"{datetime.now(UTC):%Y-%m-%d} at commit {machine.commit()}"
    disk = machine.filesystem_of(options.data)
    timing = (
        f"{options.turns} turns of {TURN_S:g} s ({CHAT_TURN_S} s beside chat servers, "
        f"{CHAT_TURN_S * SYNAPSE.turn_length} s of Synapse), "
        "in which the servers run at the same time and only one is under load, "
        f"or of {options.rounds} rounds of {options.seconds:g} s after {options.warmup:g} s of warm-up"
    )
    return [
        f"Measured on {today}: {machine.describe()}, databases on {disk}.",
        machine.busy(),
        f"{'; '.join(versions)}.",
        f"Medians of {timing}.",
        "“Times” says how many times better Talkwire is: the median of neighbours' ratios, with quartiles.",
    ]


def _talkwire_version() -> str:
    return f"Talkwire {metadata.version('talkwire')} on {machine.interpreter()}"


def _node_version() -> str:
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    packages = _npm_versions(build.NODE_PEER, "socket.io", "better-sqlite3", "pg", "@socket.io/redis-adapter")
    return f"{packages} on Node {node}"


def _bun_version() -> str:
    return _npm_versions(build.BUN_PEER, "bun", "@socket.io/bun-engine")


def _npm_versions(peer: Path, *packages: str) -> str:
    """Returns the names and versions of npm packages that a server's package.json requires."""
    versions = json.loads((peer / "package.json").read_text())["dependencies"]
    return ", ".join(f"{name} {versions[name]}" for name in packages)


def _python_version() -> str:
    return f"python-socketio {metadata.version('python-socketio')} on uvicorn {metadata.version('uvicorn')}"


VERSIONS: Mapping[str, Callable[[], str]] = {
    "talkwire": _talkwire_version,
    "ejabberd": ejabberd.version,
    "synapse": synapse.version,
    "node": _node_version,
    "bun": _bun_version,
    "python": _python_version,
}
"""The texts of the servers' versions, by family."""

BUILDS: Mapping[str, Callable[[], None]] = {
    "synapse": synapse.install,
    "node": build.node_peer,
    "bun": build.bun_peer,
}
"""Installs a family's servers unless they are there."""


def _choice_of(names: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        chosen = tuple(text.split(","))
        if unknown := set(chosen) - set(names):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(names)}")
        return chosen

    return parse


def _check_machine(options: argparse.Namespace) -> None:
    files = machine.raise_file_limit()
    if "idle" in options.only and files < IDLE_CONNECTIONS + machine.SPARE_FILES:
        raise LoadFailedError(f"{IDLE_CONNECTIONS} connections need more open files than {files}: see ulimit -Hn")
    if len(os.sched_getaffinity(0)) < 2:
        _warn("there is one core only: server and load generator share it, and the figures mean little")
    if machine.filesystem_of(options.data) == "tmpfs":
        _warn(f"{options.data} is in memory: durable writes cost nothing there")


def _warn(message: str) -> None:
    print(f"bench: {message}", file=sys.stderr)


def _elapsed(began: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    return f"{minutes}:{seconds:02}"


def _progress(what: str, samples: dict[str, float]) -> None:
    shown = (".rate", ".kib", ".p50", ".back_s")
    headline = ", ".join(f"{metric} {value:,.4g}" for metric, value in samples.items() if metric.endswith(shown))
    print(f"{what}: {headline}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
