"""The routes that the dialects' own clients call, beside those of the chat: one module a dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from litestar.types import ControllerRouterHandler

from talkwire.api.dialects import crm, gateway, talks, whatsapp

ROUTES: Mapping[str, Sequence[ControllerRouterHandler]] = MappingProxyType(
    {"talks": talks.ROUTES, "whatsapp": whatsapp.ROUTES, "crm": crm.ROUTES, "gateway": gateway.ROUTES}
)
"""By the dialect's name; the messenger's are those of the chat."""
