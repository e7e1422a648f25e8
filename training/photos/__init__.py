"""Photographs with instance masks: bringing them in, speaking about them, and keeping their splits apart."""
