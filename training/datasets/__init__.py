"""Builds, reads, checks and shows datasets."""
