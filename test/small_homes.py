"""Homes of two rooms, for tests that look at a few views: a home that is built into a dataset is rendered whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from mdsm_ros.homes import generate
from mdsm_ros.homes.home import Home
from mdsm_ros.homes.layout import build_home


@contextmanager
def two_rooms() -> Iterator[None]:
    """Homes have their first two rooms only."""

    def build_two_rooms(*options: Any) -> Home:
        home = build_home(*options)
        return replace(home, rooms=home.rooms[:2])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "build_home", build_two_rooms)
        yield
