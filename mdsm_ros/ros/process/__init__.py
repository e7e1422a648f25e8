"""What every node's process needs: start, signals, exceptions, transitions; nothing here knows what the node does."""
