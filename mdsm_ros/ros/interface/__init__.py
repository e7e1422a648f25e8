"""What the node offers and asks for: its parameters and its topics, each declared once."""
