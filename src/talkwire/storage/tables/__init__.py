"""One module a table or feature: its rows as the chat's values, what is read of it, and what events do to it.

A module whose rows events change has `PROJECTIONS`: a function for each event. `storage/projections.py` joins them.
"""
