"""The parts of a message: their types, what is derived from them, the checks of what clients send, and the
streams that write them."""
