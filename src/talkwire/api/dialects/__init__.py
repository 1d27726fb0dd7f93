"""REST routes for the clients of one dialect (an existing client application's API), in addition to the general routes;
one module for each dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from litestar.types import ControllerRouterHandler

from talkwire.api.dialects import crm, gateway, talks, whatsapp

ROUTES: Mapping[str, Sequence[ControllerRouterHandler]] = MappingProxyType(
    {"talks": talks.ROUTES, "whatsapp": whatsapp.ROUTES, "crm": crm.ROUTES, "gateway": gateway.ROUTES}
)
"""Routes of each dialect, by its name. The messenger dialect uses the general routes."""
