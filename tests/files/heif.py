"""HEIC pictures made by hand: no encoder is needed, since nothing decodes them."""

from __future__ import annotations

import struct


def box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def heic(items: dict[bytes, bytes], *, brand: bytes = b"heic", extra: bytes = b"", properties: bytes = b"") -> bytes:
    """Returns a picture with items of these types and contents, which lie in a row in its `mdat`. `extra` are further
    boxes at its end, `properties` those of its items.
    """
    ftyp = box(b"ftyp", brand, bytes(4), b"mif1", brand)
    entries = [
        box(b"infe", struct.pack(">IHH4s", 2 << 24, number, 0, kind), b"\0application/rdf+xml\0")
        for number, kind in enumerate(items, 1)
    ]

    def meta(start: int) -> bytes:
        places = b""
        for number, content in enumerate(items.values(), 1):
            places += struct.pack(">HHHII", number, 0, 1, start, len(content))
            start += len(content)
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", struct.pack(">IH", 0, 1)),
            box(b"iloc", bytes(4), b"\x44\0", struct.pack(">H", len(items)), places),
            box(b"iinf", struct.pack(">IH", 0, len(items)), *entries),
            box(b"iprp", box(b"ipco", properties, box(b"irot", b"\1"))),
        )

    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + box(b"mdat", *items.values()) + extra
