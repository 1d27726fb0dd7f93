"""What operators and their machines ask: is it up, does it work, how much of everything."""

from __future__ import annotations

from litestar import Response, get
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from talkwire.api.dependencies import GivenReadiness, GivenRegistry
from talkwire.core.errors import ChatError


@get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False)
async def readyz(readiness: GivenReadiness) -> Response[dict[str, str]]:
    """The database answers."""
    try:
        await readiness()
    except ChatError:
        return Response({"status": "unavailable"}, status_code=HTTP_503_SERVICE_UNAVAILABLE)
    return Response({"status": "ok"}, status_code=HTTP_200_OK)


@get("/metrics", include_in_schema=False)
async def metrics(registry: GivenRegistry) -> Response[bytes]:
    """Prometheus' text format."""
    # The framework adds the charset to every text.
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST.partition("; charset")[0])
