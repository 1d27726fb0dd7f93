"""The `gateway` dialect: notifications for each user, and rooms."""
