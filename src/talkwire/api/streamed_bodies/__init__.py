"""Messages that are written by one request, from a body that is read as it arrives."""
