"""What clients of the `gateway` dialect call over HTTP (contract, section 6)."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

ROUTES: Sequence[ControllerRouterHandler] = ()
