"""Running a server: the listening sockets, uvicorn, draining, and an orderly end."""
