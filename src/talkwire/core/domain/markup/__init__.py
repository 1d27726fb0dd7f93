"""Reads a message's text as the web client draws it: which parts are code, and which are addresses of pages.

The specification is `docs/texts.md`, and `tests/texts.json` has the cases that this package and the web client
(`web/src/chat/markdown/`) share.
"""
