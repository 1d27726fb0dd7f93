"""Logs and counts how the public keys of identity providers are fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import structlog
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

_logger = structlog.get_logger(__name__)


class KeyFetches(Collector):
    """The Prometheus collector that counts fetches of keys by setting and outcome. Register it with a
    `CollectorRegistry`."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "talkwire_key_fetches",
            "Fetches of an identity provider's keys, by the setting that names it and outcome",
            labels=["setting", "outcome"],
        )
        for labels, count in sorted(self.counts.items()):
            family.add_metric(labels, count)
        yield family


key_fetches = KeyFetches()
"""Record of all fetches of keys. Like the log, it is of the process."""


class KeyFetchLog:
    """Logs and counts the fetches of keys from one address, `url`. `setting` is the name of the setting that leads
    there.

    Each failure is a line: how often keys are fetched is limited already.
    """

    def __init__(self, setting: Literal["jwt_jwks_url", "oidc_issuer"], url: str) -> None:
        self._setting = setting
        self._url = urlsplit(url)._replace(query="").geturl()  # which may have a secret
        self._failures = 0

    def note(self, failure: str | None) -> None:
        """Logs and counts one fetch: `failure` says why it failed, and is None if it succeeded."""
        key_fetches.counts[self._setting, "ok" if failure is None else "failed"] += 1
        where = {"setting": self._setting, "url": self._url}
        if failure is not None:
            self._failures += 1
            _logger.warning("keys_not_fetched", **where, error=failure, failures=self._failures)
        elif self._failures:
            _logger.info("keys_fetched_again", **where, failures=self._failures)
            self._failures = 0
