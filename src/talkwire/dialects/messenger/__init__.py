"""Our own vocabulary, on the namespace `/` (contract, section 4); the first seed's, extended. One module a feature."""

from talkwire.dialects.messenger.vocabulary import MESSENGER

__all__ = ["MESSENGER"]
