"""Valid and invalid headers of the tus protocol."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path

import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.files import tus
from talkwire.files.tus import TusRefusal


def base64(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize("headers", [{}, {"tus-resumable": "0.2.2"}, {"tus-resumable": "1.0.0 "}])
def test_another_version_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(TusRefusal) as refused:
        tus.check_version(headers)
    assert refused.value.status == 412


def test_metadata_is_read() -> None:
    headers = {"upload-metadata": f"filename {base64('à la carte.pdf')},is_confidential, filetype {base64('a/b')}"}
    assert tus.upload_metadata(headers) == {"filename": "à la carte.pdf", "is_confidential": "", "filetype": "a/b"}
    assert tus.upload_metadata({}) == {}


@pytest.mark.parametrize(
    "text", ["filename not-base64", "filename /w==", "a Yg==,a Yg==", "ä Yg==", "name " + "QUFB" * 5000]
)
def test_metadata_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ChatError, match="Upload-Metadata") as refused:
        tus.upload_metadata({"upload-metadata": text})
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize("text", ["", "-1", "1.0", "1e3", " 1", "٣", "9" * 19])
def test_a_length_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ChatError, match="Upload-Length") as refused:
        tus.upload_length({"upload-length": text}, 10)
    assert refused.value.code == "invalid_request"


def test_a_length_beyond_the_limit_is_refused() -> None:
    assert tus.upload_length({"upload-length": "10"}, 10) == 10
    with pytest.raises(ChatError) as refused:
        tus.upload_length({"upload-length": "11"}, 10)
    assert refused.value.code == "payload_too_large"


@pytest.mark.parametrize("algorithm", tus.CHECKSUMS)
def test_a_checksum_is_checked(tmp_path: Path, algorithm: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"hello")
    digest = b64encode(hashlib.new(algorithm, b"hello").digest()).decode()
    checksum = tus.upload_checksum({"upload-checksum": f"{algorithm} {digest}"})
    assert checksum is not None
    checksum.check(file)
    file.write_bytes(b"hullo")
    with pytest.raises(TusRefusal) as refused:
        checksum.check(file)
    assert refused.value.status == 460


@pytest.mark.parametrize("text", ["crc32 AAAA", "sha1 %%%", "", "SHA1 AAAA"])
def test_a_checksum_that_is_not_offered_or_none_is_refused(text: str) -> None:
    with pytest.raises(TusRefusal) as refused:
        tus.upload_checksum({"upload-checksum": text})
    assert refused.value.status == 400


def test_a_missing_checksum_gives_none() -> None:
    assert tus.upload_checksum({}) is None


@pytest.mark.parametrize("text", ["", "application/octet-stream", "text/plain"])
def test_bytes_of_another_type_are_refused(text: str) -> None:
    with pytest.raises(TusRefusal) as refused:
        tus.check_body_type({"content-type": text})
    assert refused.value.status == 415
