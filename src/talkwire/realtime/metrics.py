"""What `/metrics` says about connections (Prometheus)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class RealtimeMetrics:
    """Registered in `registry`; without one they are counted and shown nowhere."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self.connections = Gauge("talkwire_connections", "Open Engine.IO sessions", registry=registry)
        self.sockets = Gauge("talkwire_sockets", "Sockets, one a session and namespace", registry=registry)
        self.events_received = Counter("talkwire_events_received", "Events from clients", registry=registry)
        self.slow_connections = Counter(
            "talkwire_slow_connections", "Connections cut because their client did not read", registry=registry
        )
        self.refused_connects = Counter("talkwire_refused_connects", "Sockets that were refused", registry=registry)
