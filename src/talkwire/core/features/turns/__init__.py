"""Turns: the commands with which an agent's processes claim pieces of work, keep them and end them."""
