"""Reads figures of the tables for operators: totals, sizes, and lists of users and conversations."""
