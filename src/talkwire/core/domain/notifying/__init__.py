"""Who is notified of which events, and for how long notifications are kept and pushed."""
