"""The cards of messages: asking, and what is stored when a decision ends."""
