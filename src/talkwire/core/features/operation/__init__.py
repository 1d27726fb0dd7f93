"""What keeps the server in order: retention, and the table of nodes."""
