"""The operations of desks: teams."""
