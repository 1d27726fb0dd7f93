"""`python -m bench.matrix MODE --port N --pid SERVER[,PROCESS…] --tokens FILE …`: the load generator for servers that
speak Matrix's client-server API. Options and results are those of the generator in C (`bench/loadgen`).

    echo | python -m bench.matrix exchange --port 8008 --pid 42 --tokens tokens --conversations ids --connections 100

An error goes to standard error, with status 1.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import uvloop

from bench.machine import raise_file_limit
from bench.matrix.measure import Meter
from bench.matrix.modes import Exchange, Fanout, Handshakes, Options, idle

MODES = ("exchange", "fanout", "handshake", "idle")


def main() -> None:
    """Runs the mode that the command line names."""
    raise_file_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.get_loop().set_exception_handler(_give_up)
        try:
            runner.run(_run(_options()))
        except Exception as error:  # noqa: BLE001 (whatever it is, the caller gets one line)
            _give_up(None, {"exception": error})


async def _run(options: Options) -> None:
    meter = Meter(options.pids)
    match options.mode:
        case "exchange":
            await Exchange(options, meter).run()
        case "fanout":
            await Fanout(options, meter).run()
        case "handshake":
            await Handshakes(options, meter).run()
        case _:
            await idle(options, meter)


def _give_up(_loop: object, context: Mapping[str, object]) -> None:
    """Ends the program with status 1: what fails in a callback would otherwise only be logged."""
    error = context.get("exception")
    print(f"load: {type(error).__name__}: {error or context.get('message')}", file=sys.stderr, flush=True)
    os._exit(1)


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.matrix", description=__doc__)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", dest="ports", type=_numbers, required=True)
    parser.add_argument("--pid", dest="pids", type=_numbers, required=True)
    parser.add_argument("--tokens", type=_lines, required=True)
    parser.add_argument("--conversations", type=_lines, default=[])
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--sources", type=int, default=1)
    parser.add_argument("--warmup", dest="warmup_s", type=float, default=2)
    parser.add_argument("--seconds", type=float, default=5)
    return Options(**vars(parser.parse_args()))


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _lines(path: str) -> list[str]:
    return Path(path).read_text().split()


if __name__ == "__main__":
    main()
