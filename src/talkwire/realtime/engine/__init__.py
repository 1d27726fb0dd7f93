"""Engine.IO sessions of this node, and the hub that sends frames to their connections."""
