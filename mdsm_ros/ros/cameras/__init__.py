"""The cameras of the node: one without a name, or several, each with topics of its own."""
