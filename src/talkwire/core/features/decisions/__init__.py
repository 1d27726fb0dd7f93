"""Deciding about cards: choosing their actions, and ending their decisions."""
