"""Agents' work: turns, which messages are work, and the chains of messages that answer each other."""
