"""Datasets: building, reading, checking and looking at them."""
