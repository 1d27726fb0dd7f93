"""Schedules the work of connections on the event loop: deadlines on a timing wheel, long work in steps, and each
connection's events in order.
"""
