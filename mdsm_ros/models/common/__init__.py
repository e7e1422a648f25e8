"""Parts used by several models."""
