"""Talkwire, a self-hosted real-time messaging server for Socket.IO clients.

The names that an embedding application may use are gathered here; every other module is an implementation detail,
except `talkwire.wire`, which is a Socket.IO server of its own.
"""
