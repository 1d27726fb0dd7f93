"""Values, events, errors and access rules of the chat: data and pure functions.

Imports nothing else of Talkwire, and no event loop, thread, clock or log.
"""
