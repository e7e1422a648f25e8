"""The *Try* page: a photograph and an instruction in, masks, score, candidates and attention out."""
