"""Nodes that send images to the node and collect what it answers."""
