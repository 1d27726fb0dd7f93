"""How texts are compared in searches: for messages by their words, for users and conversations by their names."""
