"""Commands about the data of one user or conversation: erasing and exporting it."""
