"""Copies a HEIC or AVIF picture without its metadata: the boxes of ISO/IEC 14496-12 and 23008-12 (HEIF). The copy has
the same length. Only boxes of a known kind and the bytes of items that are pictures are copied; all other bytes are
zero, and boxes of metadata become `free`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from talkwire.files.metadata.copying import Broken, CopiedPicture, Copy, Data, Overlay, unpacked

_PICTURES = frozenset(
    b"hvc1 hev1 lhv1 av01 avc1 svc1 mvc1 vvc1 evc1 j2k1 jpeg unci grid iovl iden tmap mski".split(b" ")
)
"""Types of items that are pictures. Others are metadata, such as Exif and mime (XMP)."""

_OF_META = frozenset(b"hdlr pitm iinf iloc iref dinf grpl".split(b" "))
_PROPERTIES = frozenset(
    b"ispe hvcC lhvC av1C avcC vvcC evcC j2kH jpgC uncC cmpd cmpC colr pixi irot imir clap pasp auxC clli mdcv "
    b"cclv amve ndwt reve lsel a1op a1lx rloc rref oinf tols tlsl cloc dpnd".split(b" ")
)
"""Properties of pictures that are needed to draw them."""

_OF_FILMS = frozenset(
    b"mvhd tkhd edts elst tref mdhd hdlr vmhd dinf stsd stts stss ctts cslg sgpd sbgp sdtp ccst".split(b" ")
)
"""Boxes of animated pictures that have neither metadata nor other boxes with metadata."""

_PART_OF = {b"moov": b"trak", b"trak": b"mdia", b"mdia": b"minf", b"minf": b"stbl"}
"""Boxes that lead to the frames of an animated picture, by the box that they are in."""

_FTYP_MAX = 4096

_NO_EXIF = b"\0\0\0\0MM\0*\0\0\0\x08" + bytes(6)
"""Exif item without a value."""


class _Box(NamedTuple):
    """A box: `content` is where its content begins, behind its header."""

    kind: bytes
    start: int
    content: int
    end: int


class _Extent(NamedTuple):
    item: int
    in_idat: bool
    start: int
    length: int


def copy_heif(data: Data, copy: Copy) -> CopiedPicture:
    """Copies a HEIC or AVIF picture. Raises Broken if it has no list of items, or a damaged one."""
    copier = _HeifCopier(data)
    copier.run()
    copier.overlay.write(copy)
    return CopiedPicture()


class _HeifCopier:
    def __init__(self, data: Data) -> None:
        self.overlay = Overlay(data)
        self._data = data

    def run(self) -> None:
        boxes = list(self._boxes(0, len(self._data)))
        metas = [box for box in boxes if box.kind == b"meta"]
        if boxes[0].kind != b"ftyp" or len(metas) != 1 or boxes[0].end > _FTYP_MAX:
            raise Broken("the picture has no list of its items")
        for box in boxes:
            match box.kind:
                case b"ftyp":
                    self.overlay.keep(box.start, box.end)
                case b"meta":
                    self._meta(box)
                case b"moov":
                    self._film(box)
                case b"mdat":
                    self.overlay.keep(box.start, box.content)
                case _:
                    self._free(box)

    def _boxes(self, start: int, end: int) -> Iterator[_Box]:
        while start + 8 <= end:
            size, kind = unpacked(">I4s", self._data, start)
            content = start + 8
            if size == 1:
                (size,) = unpacked(">Q", self._data, start + 8)
                content = start + 16
            following = end if size == 0 else start + size
            if following < content or (following > end and (end < len(self._data) or kind in {b"ftyp", b"meta"})):
                raise Broken("a box of the picture is damaged")
            yield _Box(kind, start, content, min(following, end))
            start = following

    def _free(self, box: _Box) -> None:
        """Makes a box an empty one of the same length."""
        header = bytearray(self._data[box.start : box.content])
        header[4:8] = b"free"
        self.overlay.put(box.start, bytes(header))
        self.overlay.remove(box.content, box.end)

    def _meta(self, meta: _Box) -> None:
        self.overlay.keep(meta.start, meta.content + 4)
        boxes: dict[bytes, _Box] = {}
        for box in self._boxes(meta.content + 4, meta.end):
            if box.kind in boxes:
                raise Broken("the picture has two lists of the same kind")
            if box.kind in _OF_META:
                boxes[box.kind] = box
                self.overlay.keep(box.start, box.end)
            elif box.kind == b"idat":
                boxes[box.kind] = box
                self.overlay.keep(box.start, box.content)
            elif box.kind == b"iprp":
                boxes[box.kind] = box
                self._properties(box)
            else:
                self._free(box)
        if b"iinf" not in boxes or b"iloc" not in boxes:
            raise Broken("the picture has no list of its items")
        self._items(self._types(boxes[b"iinf"]), self._extents(boxes[b"iloc"]), boxes.get(b"idat"))

    def _properties(self, iprp: _Box) -> None:
        self.overlay.keep(iprp.start, iprp.content)
        for box in self._boxes(iprp.content, iprp.end):
            match box.kind:
                case b"ipma":
                    self.overlay.keep(box.start, box.end)
                case b"ipco":
                    self.overlay.keep(box.start, box.content)
                    for each in self._boxes(box.content, box.end):
                        self._keep_or_free(each, _PROPERTIES)
                case _:
                    self._free(box)

    def _keep_or_free(self, box: _Box, kept: frozenset[bytes]) -> None:
        if box.kind in kept:
            self.overlay.keep(box.start, box.end)
        else:
            self._free(box)

    def _film(self, box: _Box) -> None:
        """Copies a box of an animated picture, and the frames that it names."""
        self.overlay.keep(box.start, box.content)
        tables: dict[bytes, int] = {}
        for each in self._boxes(box.content, box.end):
            if each.kind == _PART_OF.get(box.kind):
                self._film(each)
            elif each.kind in {b"stsz", b"stsc", b"stco", b"co64"}:
                tables[each.kind] = each.content
                self.overlay.keep(each.start, each.end)
            else:
                self._keep_or_free(each, _OF_FILMS)
        if box.kind == b"stbl":
            self._frames(tables)

    def _frames(self, tables: dict[bytes, int]) -> None:
        """Copies the frames of a track: `stco` or `co64` has the places of chunks, `stsc` the numbers of their frames,
        and `stsz` the lengths of frames.
        """
        form, chunks_at = (">I", tables.get(b"stco")) if b"stco" in tables else (">Q", tables.get(b"co64"))
        if chunks_at is None or b"stsc" not in tables or b"stsz" not in tables:
            raise Broken("the picture does not say where its frames are")
        (chunks,) = unpacked(">I", self._data, chunks_at + 4)
        size, count = unpacked(">II", self._data, tables[b"stsz"] + 4)
        (rows,) = unpacked(">I", self._data, tables[b"stsc"] + 4)
        frame, row, frames_each = 0, 0, 0
        for chunk in range(chunks):
            if row < rows:
                first, number, _ = unpacked(">III", self._data, tables[b"stsc"] + 8 + 12 * row)
                if first == chunk + 1:
                    frames_each, row = number, row + 1
            (start,) = unpacked(form, self._data, chunks_at + 8 + chunk * struct.calcsize(form))
            last = min(frame + frames_each, count)
            if size:
                length = size * (last - frame)
            else:
                length = sum(unpacked(f">{last - frame}I", self._data, tables[b"stsz"] + 12 + 4 * frame))
            self.overlay.keep(start, start + length)
            frame = last

    def _types(self, iinf: _Box) -> dict[int, bytes]:
        """Returns the types of items by their ids."""
        (version,) = unpacked("B", self._data, iinf.content)
        types: dict[int, bytes] = {}
        for box in self._boxes(iinf.content + (6 if version == 0 else 8), iinf.end):
            form = {2: ">xxxxHH4s", 3: ">xxxxIH4s"}.get(unpacked("B", self._data, box.content)[0])
            if box.kind != b"infe" or form is None:
                raise Broken("the picture has items of unknown types")
            item, _, kind = unpacked(form, self._data, box.content)
            if item in types:
                raise Broken("the picture has two items with the same id")
            types[item] = kind
        return types

    def _extents(self, iloc: _Box) -> Iterator[_Extent]:
        """Yields where the bytes of items are."""
        version, sizes, base_sizes = unpacked(">BxxxBB", self._data, iloc.content)
        offset_size, length_size, base_size = sizes >> 4, sizes & 15, base_sizes >> 4
        index_size = base_sizes & 15 if version else 0
        place = iloc.content + 6

        def number(size: int) -> int:
            nonlocal place
            place += size
            if place > iloc.end or size not in {0, 2, 4, 8}:
                raise Broken("the list of places in the picture is damaged")
            return int.from_bytes(self._data[place - size : place], "big")

        id_size = 4 if version == 2 else 2
        seen = set[int]()
        for _ in range(number(id_size)):
            item = number(id_size)
            method = number(2) & 15 if version else 0
            source, base = number(2), number(base_size)
            if item in seen or method > 1 or source:
                raise Broken("the picture has items in unknown places")
            seen.add(item)
            for _ in range(number(2)):
                number(index_size)
                start, length = base + number(offset_size), number(length_size)
                yield _Extent(item, method == 1, start, length)

    def _items(self, types: dict[int, bytes], extents: Iterator[_Extent], idat: _Box | None) -> None:
        """Copies the bytes of items that are pictures."""
        for item, in_idat, offset, length in extents:
            if length == 0 or (in_idat and idat is None):
                raise Broken("the picture has items in unknown places")
            start = idat.content + offset if in_idat and idat else offset
            kind = types.get(item)
            if kind in _PICTURES:
                self.overlay.keep(start, start + length)
            elif kind == b"Exif" and length >= len(_NO_EXIF):
                self.overlay.put(start, _NO_EXIF)
                self.overlay.remove(start + len(_NO_EXIF), start + length)
            else:
                self.overlay.remove(start, start + length)
