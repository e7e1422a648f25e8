"""Model folders and Hugging Face repositories as files. Independent of the networks."""
