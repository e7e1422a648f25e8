"""Decides which of several objects an instruction means, and asks the user if the instruction does not decide it."""
