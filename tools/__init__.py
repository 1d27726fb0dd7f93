"""Checks of the sources that no linter offers: `python -m tools.check_sources`."""
