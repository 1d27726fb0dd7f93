"""Tables of desks: teams, their members and their conversations."""
