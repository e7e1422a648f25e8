"""``mdsm push``: a model folder to the Hugging Face hub."""
