"""Statements that are built once: lookups of many keys, prepared reads, and the statements of each batch."""
