"""Geometry of models: read, simplified, repaired, and measured for the surfaces that they offer."""
