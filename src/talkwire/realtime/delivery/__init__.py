"""Sends durable events (from the log) and signals (typing, presence, calls) to the sockets that may receive them, and
missed messages to users who return.
"""
