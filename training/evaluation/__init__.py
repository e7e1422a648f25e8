"""Metrics of trained models, and experiments that compare them."""
