"""Another node of the same cluster, as the table of leases describes it, and what older nodes do not know."""

from __future__ import annotations

from typing import NamedTuple

from talkwire.core.domain.errors import ChatError

AGENTS_KNOWN = 52
"""Migration since which nodes state their version. Older ones may lose a message's card or the state of its stream when
they change the message, and do not know teams."""

TURNS_KNOWN = 54
"""Migration since which messages become agents' work."""


ADDRESSED = 55
"""Migration of the first version whose nodes listen to messages on the bus that are sent to one node alone."""

COMPACT = 57
"""Migration of the first version whose nodes read compact changes of who is connected, and send a user again whose
contacts have changed."""

ANNOUNCED = 58
"""Migration of the first version whose nodes fetch the events that others announce, and read compressed messages."""

ROUTED = 59
"""Migration since which nodes need signals only for users who are connected to them, or state otherwise."""


LISTED = 60
"""Migration of the first version whose nodes say of which open streams they have readers."""


class Peer(NamedTuple):
    """Another node with a valid lease, i.e. one that is alive.

    `address` is where other nodes can reach it. `folder_ids` are the file folders that it can read; empty for nodes of
    an older version, which do not state them. `revision` says what the node's version knows of that which nodes share:
    the newest migration, or a later change of their messages (`ADDRESSED` to `LISTED`). `needs_signals`: the node
    needs the signals of all conversations.
    """

    node_id: str
    address: str | None
    folder_ids: tuple[str, ...] = ()
    revision: int = 0
    needs_signals: bool = False

    @property
    def is_addressed(self) -> bool:
        """Returns whether the node listens to messages on the bus that are sent to it alone."""
        return self.revision >= ADDRESSED


def not_known_to_all(what: str) -> ChatError:
    """Returns the refusal of a command about something (`what`) that a running node of an older version does not
    know."""
    why = f"A node of an older version is running, which does not know {what}"
    return ChatError("unavailable", f"{why}. Try again once it has ended.")
