"""Agents: programs that claim turns, the pieces of their work, and answer each message once."""
