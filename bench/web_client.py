"""`python -m bench.web_client`: measures the web client in Chromium, against a real server.

Loads the page, opens conversations, scrolls through 100,000 messages, and types while 50 messages a second arrive. The
script `web_client.mjs` controls the browser and reads the browser's own measurements.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import build, machine
from bench.report import write_between_markers
from tests.page import long_conversation
from tests.page.driving import serving
from tests.protocol.server_process import reserved_port

PAGE = build.HERE.parent / "docs" / "benchmarks.md"
MARKER = "bench:web"
SCRIPT = Path(__file__).with_suffix(".mjs")

Figures = dict[str, float]


@dataclass(frozen=True)
class Row:
    """A row of the results' table: its title, the name of the measurement, and the largest allowed value (None for no
    limit).
    """

    says: str
    figure: str
    at_most: float | None = None


ROWS = (
    Row("`/` of a signed-in user: first paint, ms", "load.paint"),
    Row("… conversations on the screen, ms", "load.useful"),
    Row("… largest contentful paint, ms", "load.lcp"),
    Row("… layout shift (CLS)", "load.cls", 0.1),
    Row("… blocked by long tasks until then, ms", "load.blocking"),
    Row("… script as it was sent, KiB", "load.script", 200),
    Row("opening a conversation for the first time: newest message on the screen, ms", "open.first", 100),
    Row("… the slowest of 12, ms", "open.first.slowest"),
    Row("opening it again, ms", "open.again", 100),
    Row("… the slowest of 12, ms", "open.again.slowest"),
    Row("wheeling back through 100,000 messages: most rows in the document", "scroll.rows", 300),
    Row("… tasks over 50 ms", "scroll.long"),
    Row("… the longest, ms", "scroll.longest"),
    Row("… memory of the page's JavaScript after it, MiB", "scroll.heap"),
    Row("typing while messages arrive: messages/s", "busy.rate"),
    Row("… the longest a key waited before it was handled, ms", "busy.delay", 50),
    Row("… until what it did was painted, 98 of 100 keys (as INP counts), ms", "busy.paint"),
    Row("… the slowest key, ms", "busy.slowest"),
    Row("… tasks over 50 ms", "busy.long"),
    Row("… the longest, ms", "busy.longest"),
)


def main() -> int:
    """Measures the web client in rounds, prints the medians, and returns the exit status: 1 if a median is above its
    bound."""
    parser = argparse.ArgumentParser(prog="python -m bench.web_client", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    rounds = [measure() for _ in range(options.rounds)]
    medians = {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
    table = as_markdown(medians)
    print(table)
    if options.write:
        write_between_markers(PAGE, MARKER, f"{conditions(options.rounds)}\n\n{table}")
    beyond = [row.says for row in ROWS if row.at_most is not None and medians[row.figure] > row.at_most]
    for says in beyond:
        print(f"above its bound: {says}", file=sys.stderr)
    return 1 if beyond else 0


def measure() -> Figures:
    """Measures the web client once, with a new server and browser, and returns the values by name."""
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with tempfile.TemporaryDirectory(prefix="web-", dir=build.BUILD) as name:
        folder = Path(name)
        long_conversation.prepare(folder)
        with serving(folder, reserved_port()) as url:
            command = ["node", str(SCRIPT), program, url]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures: Figures = json.loads(output)
    return figures


def as_markdown(figures: Figures) -> str:
    """Returns the medians of the measurements, by name, as a Markdown table."""
    lines = ["|  |  | at most |", "| --- | ---: | ---: |"]
    for row in ROWS:
        bound = "" if row.at_most is None else f"{row.at_most:g}"
        lines.append(f"| {row.says} | {figures[row.figure]:.3g} | {bound} |")
    return "\n".join(lines)


def conditions(rounds: int) -> str:
    """Returns two lines for the report: the date and the machine, and the number of rounds."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    place = f"{machine.describe()}; headless Chromium, with the server on the same machine"
    return f"Measured on {today}: {place}.\nMedians of {rounds} rounds."


if __name__ == "__main__":
    sys.exit(main())
