"""Events of the messenger dialect about desks: who handles a conversation, and since when a customer waits."""
