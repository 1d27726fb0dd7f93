"""`python -m bench.growth`: measures how long a user waits as the database and the connections grow; with --write it
draws the plots of docs/growth.md, and writes the tables below them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.build import BUILD
from bench.growth.axes import AXIS_NAMES, LARGEST
from bench.growth.report import report
from bench.load import LoadFailedError
from bench.servers import ServerFailedError


def main() -> int:
    """Measures the axes (such as the number of messages) that the command line selects, and prints tables.

    Returns the exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=AXIS_NAMES, default=AXIS_NAMES, metavar="AXIS")
    parser.add_argument("--most", type=int, default=LARGEST, help="leave out larger sizes")
    parser.add_argument("--data", type=Path, default=BUILD, help="folder for the databases: on a real disk")
    parser.add_argument("--write", action="store_true", help="put plots and tables into docs")
    options = parser.parse_args()
    options.data.mkdir(exist_ok=True, parents=True)
    try:
        report(options.only, options.most, options.data, writes=options.write)
    except (ServerFailedError, LoadFailedError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
