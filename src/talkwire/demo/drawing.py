"""Generates the demo's pictures and documents by code, so that no one else has rights to them."""

from __future__ import annotations

import io
import math
from functools import cache

from PIL import Image, ImageDraw

from talkwire.demo.script import Attached, Person

_SIDE = 192
_FINE = 3
"""Portraits are drawn this many times larger and then reduced, for smooth edges."""

_THUMBNAIL_SIDE = 640


def portrait_name(person: Person) -> str:
    """Returns the file name of a demo person's picture."""
    return f"{person.id}.webp"


def portrait(person: Person) -> Attached:
    """Draws a person's picture: a head and shoulders in flat colours. Returns it as a file to attach."""
    side = _SIDE * _FINE
    picture = Image.new("RGB", (side, side), person.backdrop)
    draw = ImageDraw.Draw(picture)

    def ellipse(x: float, y: float, width: float, height: float, color: str) -> None:
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        draw.ellipse([part * side for part in box], fill=color)

    if person.long_hair:
        ellipse(0.5, 0.48, 0.56, 0.62, person.hair)
        draw.rectangle([0.22 * side, 0.48 * side, 0.78 * side, 0.74 * side], fill=person.hair)
    ellipse(0.5, 1.04, 0.86, 0.62, person.shirt)
    draw.rectangle([0.43 * side, 0.6 * side, 0.57 * side, 0.76 * side], fill=person.skin)
    ellipse(0.5, 0.76, 0.14, 0.1, person.skin)
    ellipse(0.5, 0.36, 0.46, 0.44, person.hair)
    if person.beard:
        ellipse(0.5, 0.53, 0.4, 0.36, person.hair)
    ellipse(0.5, 0.46, 0.38, 0.46 if not person.beard else 0.38, person.skin)
    for x in (0.42, 0.58):
        ellipse(x, 0.46, 0.035, 0.045, "#2b2320")
    mouth = [0.44 * side, 0.52 * side, 0.56 * side, 0.6 * side]
    draw.arc(mouth, 20, 160, fill="#8c3f3a", width=round(0.014 * side))
    # Drawn last, so that the fringe covers the forehead.
    draw.pieslice([0.29 * side, 0.17 * side, 0.71 * side, 0.55 * side], 185, 320, fill=person.hair)
    small = picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    webp = _webp(small)
    return Attached(portrait_name(person), "image/webp", webp, _SIDE, _SIDE, webp)


@cache
def dusk() -> Attached:
    """Draws a picture of hills at dusk, one ridge in front of the other. Returns it as a file to attach."""
    width, height = 960, 450
    gradient = Image.linear_gradient("L").resize((width, height))
    picture = Image.composite(
        Image.new("RGB", (width, height), "#f0a98f"), Image.new("RGB", (width, height), "#5f6fa3"), gradient
    )
    draw = ImageDraw.Draw(picture)
    draw.ellipse([650, 110, 740, 200], fill="#ffe2b8")
    for layer, color in enumerate(("#8e6a86", "#6c5577", "#4b4465", "#2f3350")):
        ridge = [
            (x, height * (0.44 + 0.13 * layer) + math.sin(x / (120 - 16 * layer) + layer * 2) * (34 - 5 * layer))
            for x in range(0, width + 8, 8)
        ]
        draw.polygon([*ridge, (width, height), (0, height)], fill=color)
    small = picture.copy()
    small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    return Attached("heron-launch.webp", "image/webp", _webp(picture), width, height, _webp(small))


@cache
def price_list() -> Attached:
    """Returns a small PDF file of one page, to attach to a demo message."""
    lines = (
        ("Fernhill Bikes", 26),
        ("Price list, autumn", 16),
        ("Heron, electric cargo bike      EUR 5,890", 12),
        ("Heron Long, for two children    EUR 6,340", 12),
        ("Wren, city bike                 EUR 1,290", 12),
        ("Rain cover                      EUR   180", 12),
        ("Prices include VAT. Delivery takes three to four weeks.", 10),
    )
    text, top = [], 770
    for line, size in lines:
        top -= size * 2
        font = "F2" if size == 12 else "F1"
        text.append(f"BT /{font} {size} Tf 70 {top} Td ({line}) Tj ET")
    stream = "\n".join(text)
    fonts = "/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> "
    fonts += "/F2 << /Type /Font /Subtype /Type1 /BaseFont /Courier >> >>"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << {fonts} >> /Contents 4 0 R >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
    )
    document, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(document))
        document += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    document += f"xref\n0 {size}\n0000000000 65535 f \n{table}"
    document += f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{document.index('xref')}\n%%EOF\n"
    return Attached("price-list.pdf", "application/pdf", document.encode("ascii"))


@cache
def visits() -> Attached:
    """Returns a CSV file with a table of visits, to attach to a demo message."""
    counts = (312, 355, 298, 402, 517, 634, 588)
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    rows = [f"{day},{count},{round(count * 0.031)}" for day, count in zip(days, counts, strict=True)]
    return Attached("visits.csv", "text/csv", "\n".join(("day,visits,test rides", *rows, "")).encode())


def _webp(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=82, method=2)
    return buffer.getvalue()
