"""One module for each table or feature: converts rows to the chat's values, reads the tables, and applies events to
them.

A module with tables that events change has a constant `PROJECTIONS`: for each type of event, the function that applies
it. `storage/projections.py` joins these constants.

Where commands also write without an event, a class named `Writable…` adds these methods to the one that reads.
"""
