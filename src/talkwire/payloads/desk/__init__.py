"""Payloads of desks: teams."""
