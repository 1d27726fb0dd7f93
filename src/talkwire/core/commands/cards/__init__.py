"""Commands about cards: messages that ask their readers to decide."""
