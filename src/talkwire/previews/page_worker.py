"""A program that reads one HTML page: `python -m talkwire.previews.page_worker`.

Its input is a line of JSON, `[content_type, url]`, and then the page's bytes. It prints one line of JSON, a
`PageReading`. Pages are untrusted, so it runs in a process of its own, with limits on memory and processor time.
"""

from __future__ import annotations

import json
import os
import resource
import sys

from talkwire.previews.page import read_page

PAGE_MEMORY_MAX_BYTES = 256 * 1024**2
"""Most memory of the program, in bytes."""

PAGE_PROCESSOR_MAX_S = 5
"""Longest processor time of the program, in seconds."""


def main() -> None:
    os.nice(10)  # the chat has priority over previews
    resource.setrlimit(resource.RLIMIT_AS, (PAGE_MEMORY_MAX_BYTES, PAGE_MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PAGE_PROCESSOR_MAX_S, PAGE_PROCESSOR_MAX_S))
    content_type, url = json.loads(sys.stdin.buffer.readline())
    sys.stdout.write(json.dumps(read_page(sys.stdin.buffer.read(), content_type, url)))


if __name__ == "__main__":
    main()
