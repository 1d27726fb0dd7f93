"""Features about notifications: rules for which users are notified of which events, stored notifications, pushes to
devices, and the queue of events for offline users."""
