"""Runs several server processes (workers) on one machine: the supervisor, its workers, and their channel."""
