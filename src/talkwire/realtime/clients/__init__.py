"""The chat's data for each socket (its user, rooms and dialect, i.e. event vocabulary), the state that sockets need to
resume, and lookups of connected users and devices.
"""
