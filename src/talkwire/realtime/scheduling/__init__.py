"""Schedules work: deadlines on a timing wheel, long work in steps, each connection's events in order."""
