"""How long users wait as a database and its connections grow: `python -m bench.growth`; see docs/benchmarks.md."""
