"""Commands of desks: teams, whose members serve the conversations of customers."""
