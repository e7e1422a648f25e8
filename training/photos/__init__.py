"""Photographs with instance masks: importing them, making sentences about them, and separating their splits."""
