"""The parts of a message: their types, what is derived from them, and the checks of what clients send."""
