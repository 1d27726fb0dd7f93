"""Agents' processes that ask for work on this node."""
