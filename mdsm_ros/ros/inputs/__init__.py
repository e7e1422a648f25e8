"""The node's inputs: subscriptions, publishers that do not match them, and names of topics."""
