"""Model folders and Hugging Face repositories as files. Knows no networks."""
