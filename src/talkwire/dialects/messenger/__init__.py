"""Our own vocabulary, on the namespace `/`. One module a feature."""

from talkwire.dialects.messenger.vocabulary import MESSENGER

__all__ = ["MESSENGER"]
