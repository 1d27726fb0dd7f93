"""Positions in the log (the ordered record of events), and the ids and cursors that are made of them."""
