"""Events and signals to the sockets that may receive them, and what was missed to users who return."""
