"""Trains the decoder of a public model; its encoders stay as they are, and what they give is computed once."""
