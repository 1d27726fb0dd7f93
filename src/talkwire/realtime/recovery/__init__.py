"""Resumes sockets after their connection broke: finds the events that they missed and replays them."""
