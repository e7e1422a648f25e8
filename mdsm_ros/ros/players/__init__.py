"""Nodes that send images to mdsm_node and collect its answers."""
