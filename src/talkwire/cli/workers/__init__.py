"""Several nodes on one machine: the supervisor, its workers, and the channel between them."""
