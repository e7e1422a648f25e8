"""Parts of every node's process: start, signals, exceptions, transitions; independent of the node's work."""
