"""Events of the messenger dialect about agents' work."""
