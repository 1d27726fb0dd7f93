"""The operations of agents: turns."""
