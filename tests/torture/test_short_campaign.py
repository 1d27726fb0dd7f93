"""A short campaign with all that a long one has: real nodes, databases, proxy and clients, and faults of a few seconds.

`make torture` runs long ones (docs/torture.md).
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import pytest

from rigs.torture.campaign import run
from rigs.torture.faults import missing_tools
from rigs.torture.options import Options
from rigs.torture.report import report, write_report

SEED = 11


@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore")  # what clients' libraries leave behind when nodes are killed below them
async def test_a_short_campaign_finds_no_violation() -> None:
    for kind, why in missing_tools().items():
        warnings.warn(f"left out of the campaign: {kind}: {why}", stacklevel=1)
    folder = Path(tempfile.mkdtemp(prefix=f"talkwire-torture-{SEED}-"))
    options = Options(SEED, seconds=32, folder=folder, clients=14, gap_s=2.5, brief=True, calm_s=3)
    lines: list[str] = []
    outcome = await run(options, lines.append)
    if outcome.findings.violations:
        write_report(outcome, folder)
        pytest.fail("\n".join([*lines, report(outcome), f"The whole history and all logs are in {folder}"]))
    looked_at = outcome.findings.looked_at
    assert len(outcome.history.faults) >= 8
    assert looked_at["commands: send"] > 50
    assert looked_at["events received"] > 500
    assert looked_at["events synced"] > 50
    assert looked_at["events streamed"] > 150
