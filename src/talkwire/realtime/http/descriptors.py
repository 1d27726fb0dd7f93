"""The limit of this process's file descriptors, of which each connection and each open file needs one."""

from __future__ import annotations

import math
import resource

DESCRIPTORS_MAX = 1_048_576
"""Most file descriptors that this process asks for. Some containers allow a billion."""


def descriptor_limit() -> float:
    """Returns how many file descriptors this process may have open (its soft limit); infinity if there is no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> float:
    """Raises this process's soft limit of file descriptors to the hard limit, but at most to DESCRIPTORS_MAX; never
    lowers it. Returns the soft limit that now holds, infinity for none.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return descriptor_limit()


def reserve(limit: float) -> float:
    """Returns how many of `limit` file descriptors are reserved for health checks, files, the database and other nodes:
    a tenth, but between 16 and 256.
    """
    return max(16.0, min(256.0, limit / 10))
