"""Payloads of cards: messages that ask their readers to decide."""
