"""Measures how long users wait as a database and the number of connections grow: `python -m bench.growth`.

The results are in docs/growth.md.
"""
