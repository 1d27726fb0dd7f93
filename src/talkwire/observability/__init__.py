"""Helps operators to observe a running node: log lines about users, metrics for /metrics, and traces.

Other packages import this package to log and to count. It depends on no transport, no storage and no route.
"""
