"""Decides which of several objects an instruction means, from its clauses and from replies to questions."""
