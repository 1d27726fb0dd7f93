"""Features for operating the server: retention, and the table of nodes."""
