"""Messages that are written while others read them, in the transactions of the writer, and ratings of agents'
messages."""
