"""Parsers of command line options, for ``argparse``'s ``type``."""

from __future__ import annotations

from argparse import ArgumentTypeError

MOST_STEPS = 100
MOST_NOISE = 999  # last timestep of Stable Diffusion's schedule


def positive_number(text: str) -> float:
    """Parses a finite number above 0."""
    value = float(text)
    if not 0.0 < value < float("inf"):
        raise ArgumentTypeError(f"{text} is not a positive number")
    return value


def count(text: str) -> int:
    """Parses a whole number of 1 or more."""
    value = int(text)
    if value < 1:
        raise ArgumentTypeError(f"{text} is out of range, expected 1 or more")
    return value


def natural(text: str) -> int:
    """Parses a whole number of 0 or more, as NumPy requires of a seed."""
    value = int(text)
    if value < 0:
        raise ArgumentTypeError(f"{text} is out of range, expected 0 or more")
    return value


def noise_timestep(text: str) -> int:
    """Parses a timestep of Stable Diffusion's noise schedule; 0 is no noise."""
    value = int(text)
    if not 0 <= value <= MOST_NOISE:
        raise ArgumentTypeError(f"{text} is out of range, expected 0 to {MOST_NOISE}")
    return value


def refinement_steps(text: str) -> int:
    """Parses a number of refinement steps; 0 gives the initial mask."""
    value = int(text)
    if not 0 <= value <= MOST_STEPS:
        raise ArgumentTypeError(f"{text} is out of range, expected 0 to {MOST_STEPS}")
    return value


def share(text: str) -> float:
    """Parses a number from 0 to 1."""
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise ArgumentTypeError(f"{text} is out of range, expected 0 to 1")
    return value


def image_size(text: str) -> tuple[int, int]:
    """Parses WIDTHxHEIGHT."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT") from error
    if not (32 <= width <= 4096 and 32 <= height <= 4096):
        raise ArgumentTypeError(f"{text!r} is out of range, expected 32 to 4096 pixels a side")
    return width, height
