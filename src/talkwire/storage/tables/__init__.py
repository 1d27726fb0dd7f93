"""Rows of single tables as the chat's values, and back."""
