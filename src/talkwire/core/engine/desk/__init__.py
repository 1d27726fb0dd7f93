"""What a node does for desks: finishes changes of teams, and counts the conversations that wait."""
