"""The `messenger` dialect: Talkwire's own Socket.IO events, in the namespace `/`; one module for each feature."""

from talkwire.dialects.messenger.vocabulary import MESSENGER

__all__ = ["MESSENGER"]
