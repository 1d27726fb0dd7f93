"""Agents' work: which messages are work, and what becomes of turns. Features that change messages call it in their
transactions; `core/features/turns/` has the commands of agents."""
