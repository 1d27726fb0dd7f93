"""Work that follows the log: in its order, behind it, each with a stored position."""
