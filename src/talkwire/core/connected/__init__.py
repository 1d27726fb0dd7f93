"""In-memory indexes of the users connected to this node, kept current with the committed events."""
