"""How events reach the listeners of every node."""
