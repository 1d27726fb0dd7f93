"""Who is notified of what, stored notifications, and the queue for offline users."""
