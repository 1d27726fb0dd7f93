"""Features for operating the server: retention (deleting old messages), erasing and exporting users, the operators'
console, and the table of nodes."""
