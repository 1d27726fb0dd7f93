"""Runs a server: listening sockets, uvicorn, draining, and an orderly shutdown."""
