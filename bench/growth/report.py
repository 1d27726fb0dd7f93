"""Runs the growth benchmark, and writes its tables and plots to the terminal and to docs/growth.md."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import build, machine
from bench.growth.axes import AXES, Axis, Curve, measure
from bench.growth.plot import drawing
from bench.report import write_between_markers

DOCS = build.HERE.parent / "docs"
PLOTS = DOCS / "growth"

# Times of a shared machine differ by half for no reason; a curve that doubles for each decade grows with the cube root.
_STEEP = 0.3
_NOTICED_MS = 5.0


@dataclass(frozen=True)
class Growth:
    """The results of one axis (a quantity that grows): its curves, and lines that say when and where they were
    measured.
    """

    axis: Axis
    curves: Sequence[Curve]
    conditions: Sequence[str]


def report(names: Collection[str], most: int, data: Path, *, writes: bool) -> None:
    """Measures the named axes (quantities that grow) at sizes up to `most`, and prints their tables and the plots'
    paths.

    With `writes` tables and plots are also written into docs, each axis as soon as it is measured.
    """
    for axis in AXES:
        if axis.name in names:
            growth = _measured(replace(axis, sizes=_up_to(axis.sizes, most)), data)
            print("\n".join(_text_lines(growth.axis, growth.curves)))
            if writes:
                _write(growth)
            print(f"plot: {_draw(growth, PLOTS if writes else build.BUILD)}\n", flush=True)


def _measured(axis: Axis, data: Path) -> Growth:
    conditions = [machine.dated(), machine.busy(), f"Databases on {machine.filesystem_of(data)}."]
    return Growth(axis, measure(axis, data, _say), conditions)


def _draw(growth: Growth, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    plot = folder / f"{growth.axis.name}.svg"
    plot.write_text(drawing(_title(growth.axis), growth.axis.title, growth.curves), encoding="utf-8")
    return plot


def _write(growth: Growth) -> None:
    image = f"![{_title(growth.axis)}](growth/{growth.axis.name}.svg)"
    lines = [*growth.conditions, "", image, "", *_markdown(growth.curves)]
    write_between_markers(DOCS / "growth.md", f"growth:{growth.axis.name}", "\n".join(lines))


def grows(curve: Curve) -> bool:
    """Returns whether a curve ends noticeably high: its last value is over 5 ms, and rose from the value before faster
    than the cube root of the size.
    """
    (size, ms), (last_size, last_ms) = list(zip(curve.sizes, curve.ms, strict=True))[-2:]
    slope = math.log(last_ms / ms) / math.log(last_size / size)
    return slope > _STEEP and last_ms > _NOTICED_MS


def _up_to(sizes: Sequence[int], most: int) -> tuple[int, ...]:
    return tuple(size for size in sizes if size <= max(most, sizes[1]))


def _title(axis: Axis) -> str:
    return f"What a user waits for, by {axis.title}"


def _text_lines(axis: Axis, curves: Sequence[Curve]) -> Iterator[str]:
    yield f"{'ms, by ' + axis.title:52}" + "".join(f"{size:>11,}" for size in curves[0].sizes) + "    times"
    for curve in curves:
        figures = "".join(f"{_ms(ms):>11}" for ms in curve.ms)
        mark = "  grows" if grows(curve) else ""
        yield f"{curve.name:52}{figures}{curve.ms[-1] / curve.ms[0]:9.2f}{mark}"


def _markdown(curves: Sequence[Curve]) -> Iterator[str]:
    yield f"| milliseconds, median | {' | '.join(f'{size:,}' for size in curves[0].sizes)} | times |"
    yield "|" + "---|" + "---:|" * (len(curves[0].sizes) + 1)
    for curve in curves:
        name = f"**{curve.name}**" if grows(curve) else curve.name
        yield f"| {name} | {' | '.join(map(_ms, curve.ms))} | {curve.ms[-1] / curve.ms[0]:.2g} |"


def _ms(ms: float) -> str:
    return f"{float(f'{ms:.2g}'):,.0f}" if ms >= 100 else f"{ms:.2g}" if ms < 10 else f"{ms:.0f}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
