"""Compressed messages between nodes."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.bus import compression
from talkwire.bus.compression import COMPRESSED_MARKER, COMPRESSED_MAX, CompressionError, compress, decompress
from talkwire.bus.parcels import Unpacker, encode, pack
from talkwire.core.domain.events import TypingChanged
from talkwire.core.domain.log.positions import own_id_at
from talkwire.core.ports.bus import EphemeralBatch

MAX = 1 << 20


@given(st.binary(max_size=5000).filter(lambda data: data[:1] != COMPRESSED_MARKER) | st.just(b"\x91" * 100_000))
def test_data_is_the_same_afterwards(data: bytes) -> None:
    compressed = compress(data)
    assert decompress(compressed, MAX) == data
    assert len(compressed) <= len(data)


def _typing() -> bytes:
    event = TypingChanged(own_id_at(11870321604), own_id_at(1069837), "Anna", is_typing=True)
    encoded = encode(EphemeralBatch("0123456789abcdef", (event,)))
    assert encoded is not None
    return pack([encoded])


def test_the_names_in_a_message_are_not_sent() -> None:
    parcel = compress(_typing())
    assert len(parcel) < 60
    assert Unpacker(MAX).unpack(parcel) == Unpacker(MAX).unpack(_typing())


def test_the_dictionary_is_that_of_the_marker() -> None:
    """Nodes of other versions have it too. Another one needs another marker."""
    assert sha256(compression._DICTIONARY).hexdigest()[:16] == "17d6f247361f8ee2"


def _compressed_anyway(data: bytes) -> bytes:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(compression, "COMPRESSED_MAX", len(data))
        return compress(data)


def test_large_data_is_not_compressed() -> None:
    data = bytes(COMPRESSED_MAX)
    assert len(compress(data)) < 1000
    assert compress(data + b"x") == data + b"x"


@pytest.mark.parametrize(
    "data",
    [
        COMPRESSED_MARKER,
        COMPRESSED_MARKER + b"\xff" * 50,
        compress(_typing())[:-3],
        _compressed_anyway(b"\x91" * (MAX + 1)),
    ],
)
def test_damaged_and_oversized_data_are_refused(data: bytes) -> None:
    with pytest.raises(CompressionError):
        decompress(data, MAX)
    unpacker = Unpacker(MAX)
    assert unpacker.unpack(data) == ()
    assert unpacker.not_understood == 1
