"""Resumes sockets after their connection broke: decides which may resume, finds the events that they missed and replays
them.
"""
