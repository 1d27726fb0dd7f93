"""The list of the dialects (client applications' vocabularies) that Talkwire contains."""

from __future__ import annotations

from talkwire.dialects.crm.vocabulary import CRM
from talkwire.dialects.gateway.vocabulary import GATEWAY
from talkwire.dialects.messenger import MESSENGER
from talkwire.dialects.talks.vocabulary import TALKS
from talkwire.dialects.whatsapp.vocabulary import WHATSAPP

DIALECTS = {dialect.name: dialect for dialect in (MESSENGER, TALKS, WHATSAPP, CRM, GATEWAY)}
"""Built-in dialects, by name."""
