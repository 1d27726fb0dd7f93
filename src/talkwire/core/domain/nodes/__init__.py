"""What nodes (server processes of one cluster) know of each other, and how they say who is connected to them."""
