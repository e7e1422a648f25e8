"""What the node hears: subscriptions, whom they cannot hear, and names that were given in vain."""
