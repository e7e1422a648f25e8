"""Makes instructions about a view: relations, queries, and their wording."""
