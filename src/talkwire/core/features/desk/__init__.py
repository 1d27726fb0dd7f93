"""Desks: teams, and the memberships that their members have in conversations."""
