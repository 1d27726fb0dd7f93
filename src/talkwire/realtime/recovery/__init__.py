"""Sockets that resume after their connection broke: what they missed, and its replay."""
