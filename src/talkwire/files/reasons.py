"""Says in one line why a file storage failed, for operators: in the words of the operating system or of S3."""

from __future__ import annotations

import html
import os
import re
from urllib.parse import urlsplit

from talkwire.core.domain.errors import ChatError

FAILURE_REASON_MAX_LENGTH = 500
"""Longest reason of a failure, in characters."""

VARIABLE_MIN_LENGTH = 8
"""Shortest value of the environment that is searched for in texts, in characters. Shorter ones are ordinary words."""

_REQUEST = re.compile(r"Error performing ([A-Z]+) (\S+) ")
_STATUS = re.compile(r"status code: (\d{3}[\w ]*)")
_IN_XML = re.compile(r"<(Code|Message)>(.*?)</\1>", re.DOTALL)
_CAUSE = re.compile(r'(?:message|error): "([^"]+)"')
_CERTIFICATE = re.compile(r"InvalidCertificate\(([^,]*),")
_METADATA_HOST = "169.254.169.254"


def reason_of(error: BaseException) -> str:
    """Returns why a storage failed, in one line and without secrets. `error` is an OSError, an error of the S3 client,
    or the ChatError that one of them has caused."""
    cause = error.__cause__ if isinstance(error, ChatError) and error.__cause__ is not None else error
    if isinstance(cause, OSError) and cause.strerror is not None:
        text = cause.strerror if cause.filename is None else f"{cause.filename}: {cause.strerror}"
    else:
        text = _reason_of_service(str(cause))
    return _without_secrets(" ".join(text.split()))[:FAILURE_REASON_MAX_LENGTH]


def _reason_of_service(text: str) -> str:
    """Returns the request that failed, without its query, and the service's status, code and message, from an error
    text of the S3 client. Where the service did not respond, the reason comes from the text's debugging part."""
    head, _, debug = text.strip().partition("\n\nDebug source:")
    requests = _REQUEST.findall(head)
    if not requests:
        return head.partition("\n")[0]
    method, url = requests[-1]
    parts = urlsplit(url)
    where = f"{method} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if parts.hostname == _METADATA_HOST:
        where = f"AWS_ACCESS_KEY_ID is not set, and this machine provides no keys: {where}"
    return f"{where}: {_answer(head) or _cause(head, debug)}"


def _answer(head: str) -> str | None:
    status = _STATUS.search(head)
    if status is None:
        return None
    words = [html.unescape(text) for _, text in _IN_XML.findall(head)]
    return ": ".join([status[1].strip(), *words])


def _cause(head: str, debug: str) -> str:
    if found := _CERTIFICATE.search(debug):
        return f"the certificate is not valid ({' '.join(re.findall(r'[A-Z][A-Za-z]+', found[1]))})"
    return found[1] if (found := _CAUSE.search(debug)) else head.partition("\n")[0].rpartition(" - ")[2]


def _without_secrets(text: str) -> str:
    for name, value in os.environ.items():
        if name.startswith("AWS_") and re.search("KEY|SECRET|TOKEN", name) and len(value) >= VARIABLE_MIN_LENGTH:
            text = text.replace(value, "***")
    return text
