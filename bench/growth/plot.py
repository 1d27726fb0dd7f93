"""Draws the benchmark's curves as SVG plots with logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from bench.growth.axes import Curve

WIDTH, HEIGHT = 860, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 330, 44, 56
LINE_HEIGHT = 17

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22")
DASHES = ("", "6 3", "2 3")


class Scale:
    """A logarithmic axis: converts numbers to coordinates between `start` and `end`."""

    def __init__(self, numbers: Sequence[float], start: float, end: float) -> None:
        self.first = math.floor(math.log10(min(numbers)))
        self.last = max(math.ceil(math.log10(max(numbers))), self.first + 1)
        self._start = start
        self._step = (end - start) / (self.last - self.first)

    def __call__(self, number: float) -> float:
        return round(self._start + (math.log10(number) - self.first) * self._step, 1)

    @property
    def decades(self) -> list[float]:
        return [10.0**power for power in range(self.first, self.last + 1)]


def drawing(title: str, x_title: str, curves: Sequence[Curve]) -> str:
    """Returns an SVG plot of the curves: milliseconds by size, with a legend in the order of the curves' last
    values.
    """
    x = Scale([size for curve in curves for size in curve.sizes], LEFT, WIDTH - RIGHT)
    y = Scale([ms for curve in curves for ms in curve.ms], HEIGHT - BOTTOM, TOP)
    ordered = sorted(curves, key=lambda curve: -curve.ms[-1])
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        '<g font-family="sans-serif" font-size="12" fill="#222">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_grid(x, y),
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_title)}</text>',
        f'<text transform="translate(18 {HEIGHT / 2:g}) rotate(-90)" text-anchor="middle">milliseconds (median)</text>',
    ]
    for place, curve in enumerate(ordered):
        elements += _curve(curve, place, x, y)
    return "\n".join([*elements, "</g>", "</svg>", ""])


def _grid(x: Scale, y: Scale) -> Iterator[str]:
    for size in x.decades:
        yield f'<path d="M{x(size)} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>'
        yield f'<text x="{x(size)}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,.0f}</text>'
    for ms in y.decades:
        yield f'<path d="M{LEFT} {y(ms)}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y(ms) + 4:g}" text-anchor="end">{ms:,g}</text>'


def _curve(curve: Curve, place: int, x: Scale, y: Scale) -> Iterator[str]:
    colour, dash = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS)]
    style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
    points = [(x(size), y(ms)) for size, ms in zip(curve.sizes, curve.ms, strict=True)]
    yield f'<polyline points="{" ".join(f"{left},{top}" for left, top in points)}" {style}/>'
    for left, top in points:
        yield f'<circle cx="{left}" cy="{top}" r="2.5" fill="{colour}"/>'
    height = TOP + 6 + place * LINE_HEIGHT
    start = WIDTH - RIGHT + 18
    yield f'<path d="M{start} {height}h22" {style}/>'
    yield f'<text x="{start + 28}" y="{height + 4}">{escape(curve.name)}</text>'
