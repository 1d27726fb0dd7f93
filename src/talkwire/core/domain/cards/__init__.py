"""Cards: messages that ask their readers to decide, and the rules of deciding."""
