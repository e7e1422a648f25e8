"""Furnishes homes with models of the library, and with procedural shapes if it has no model."""
