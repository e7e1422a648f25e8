"""The node's interface: its parameters and its topics, each declared once."""
