"""What the node would publish with parameter track, computed from the answers of a replay."""
