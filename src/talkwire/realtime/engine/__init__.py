"""Engine.IO sessions of this node, and the hub that fans frames out to their connections."""
