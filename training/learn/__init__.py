"""``mdsm learn``: from a recording of a place to a model that is better there, step by step."""
