"""Signals, which are commands whose effects are sent to connected users and not stored in the log: presence, typing,
audio and video calls, custom events of the application, and which users have a conversation open."""
