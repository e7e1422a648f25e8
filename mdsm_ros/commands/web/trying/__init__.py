"""The *Try* page: shows masks, score, candidates and attention for a photograph and an instruction."""
