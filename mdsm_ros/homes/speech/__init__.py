"""Instructions about a view: relations, queries, and their words."""
