"""Surface textures: small images drawn with numpy, for every room from its seed.

A material's name is one of :data:`MATERIALS` (gray, tinted by the part's colour), one of :data:`PATTERNS` (two colours,
one of them the part's own), or ``art:N``, a different painting for every N.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.shapes.parts import RGB

SIDE = 128  # pixels
Picture = NDArray[np.uint8]  # (SIDE, SIDE, 3)
_RAMP = np.arange(SIDE)


def _gray(values: NDArray[np.floating]) -> Picture:
    return np.repeat((np.clip(values, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


def _noise(rng: np.random.Generator, spread: float) -> NDArray[np.float64]:
    return rng.normal(0, spread, (SIDE, SIDE))


def _clouds(rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns smooth, tileable noise in [0, 1]: a few random waves."""
    x, y = np.meshgrid(_RAMP, _RAMP)
    waves = np.zeros((SIDE, SIDE))
    for _ in range(7):
        kx, ky = rng.integers(-5, 6, 2)
        waves += rng.uniform(0.3, 1.0) * np.sin(2 * np.pi * (kx * x + ky * y) / SIDE + rng.uniform(0, 6.3))
    scaled: NDArray[np.float64] = (waves - waves.min()) / max(float(np.ptp(waves)), 1e-9)
    return scaled


def _grain(rng: np.random.Generator) -> NDArray[np.float64]:
    bend = 2.5 * np.sin(2 * np.pi * _RAMP[:, None] / SIDE + rng.uniform(0, 6))
    return np.sin(_RAMP[None, :] * 0.35 + bend) * 0.06 + np.sin(_RAMP[None, :] * 0.9 + 1.7 * bend) * 0.03


def wood(rng: np.random.Generator) -> Picture:
    """Grain along y."""
    return _gray(0.9 + _grain(rng) + _noise(rng, 0.012))


def planks(rng: np.random.Generator) -> Picture:
    """Floor boards along y with dark seams."""
    count = 6
    board = _RAMP * count // SIDE
    tone = rng.uniform(0.78, 1.0, count)[board][None, :]
    seams = np.where((_RAMP * count) % SIDE < count * 1.3, 0.62, 1.0)[None, :]
    ends = np.ones((SIDE, SIDE))
    for i in range(count):
        ends[int(rng.integers(SIDE)), board == i] = 0.65
    return _gray((tone + _grain(rng)) * seams * ends + _noise(rng, 0.012))


def parquet(rng: np.random.Generator) -> Picture:
    """Squares of strips with alternating direction."""
    cell, strip = SIDE // 4, SIDE // 16
    x, y = np.meshgrid(_RAMP, _RAMP)
    across = np.where((x // cell + y // cell) % 2 == 0, x, y)
    tone = rng.uniform(0.8, 1.0, SIDE // strip)[across // strip]
    return _gray(tone * np.where(across % strip < 1, 0.7, 1.0) + _noise(rng, 0.02))


def tiles(rng: np.random.Generator) -> Picture:
    """Square tiles with dark joints."""
    cell = SIDE // 4
    x, y = np.meshgrid(_RAMP, _RAMP)
    tone = rng.uniform(0.9, 1.0, (4, 4))[y // cell, x // cell]
    return _gray(tone * np.where((x % cell < 2) | (y % cell < 2), 0.68, 1.0) + _noise(rng, 0.01))


def bricks(rng: np.random.Generator) -> Picture:
    """Courses of bricks with light joints."""
    height, width = SIDE // 8, SIDE // 4
    x, y = np.meshgrid(_RAMP, _RAMP)
    course = y // height
    shifted = (x + (course % 2) * width // 2) % SIDE
    tone = rng.uniform(0.78, 1.0, (8, 4))[course, shifted // width]
    return _gray(np.where((y % height < 2) | (shifted % width < 2), 0.95, tone) + _noise(rng, 0.03))


def carpet(rng: np.random.Generator) -> Picture:
    """A short pile."""
    return _gray(0.9 + _noise(rng, 0.06))


def plaster(rng: np.random.Generator) -> Picture:
    """An almost even wall."""
    return _gray(0.96 + 0.03 * _clouds(rng) + _noise(rng, 0.006))


def wallpaper(rng: np.random.Generator) -> Picture:
    """Broad, faint stripes along y."""
    stripe = np.where(_RAMP % (SIDE // 4) < SIDE // 8, 1.0, 0.88)[None, :]
    return _gray(np.broadcast_to(stripe, (SIDE, SIDE)) + _noise(rng, 0.006))


def stone(rng: np.random.Generator) -> Picture:
    """Marble: veins in smooth noise."""
    veins = np.abs(np.sin(9 * _clouds(rng) + 3 * _clouds(rng)))
    return _gray(0.8 + 0.2 * np.minimum(1.0, 4 * veins) + _noise(rng, 0.015))


def cloth(rng: np.random.Generator) -> Picture:
    """A plain weave."""
    weave = 0.05 * ((_RAMP[None, :] + _RAMP[:, None]) % 4 < 2)
    return _gray(0.9 + weave + _noise(rng, 0.03))


def leather(rng: np.random.Generator) -> Picture:
    """Creases of smooth noise."""
    return _gray(0.82 + 0.18 * np.minimum(1.0, 6 * np.abs(_clouds(rng) - 0.5)) + _noise(rng, 0.015))


def woven(rng: np.random.Generator) -> Picture:
    """Wickerwork."""
    cell = SIDE // 16
    x, y = np.meshgrid(_RAMP, _RAMP)
    over = (x // cell + y // cell) % 2 == 0
    bulge = np.where(over, np.sin(np.pi * (x % cell) / cell), np.sin(np.pi * (y % cell) / cell))
    return _gray(0.55 + 0.45 * bulge + _noise(rng, 0.03))


MATERIALS: dict[str, tuple[Callable[[np.random.Generator], Picture], float]] = {
    "wood": (wood, 1.5),
    "planks": (planks, 1.0),
    "parquet": (parquet, 1.0),
    "tiles": (tiles, 1.0),
    "bricks": (bricks, 1.6),
    "carpet": (carpet, 1.5),
    "plaster": (plaster, 0.5),
    "wallpaper": (wallpaper, 1.5),
    "stone": (stone, 1.5),
    "cloth": (cloth, 4.0),
    "leather": (leather, 3.0),
    "woven": (woven, 5.0),
}
"""How each material is drawn, and how often it repeats in a metre."""

WALL_MATERIALS = ("plaster", "plaster", "plaster", "plaster", "wallpaper", "wallpaper", "bricks")
FLOOR_MATERIALS = ("planks", "parquet", "tiles", "carpet", "stone")

LIGHT: RGB = (0.96, 0.95, 0.90)
DARK: RGB = (0.13, 0.13, 0.14)
PATTERN_REPEAT = 4.0  # repetitions per metre


def _second(color: RGB) -> RGB:
    """Returns the second colour of a pattern: light or dark, whichever has more contrast to the first."""
    return DARK if float(np.dot(color, (0.3, 0.6, 0.1))) > 0.62 else LIGHT


def _mix(share: NDArray[np.floating], color: RGB) -> Picture:
    """Mixes the item's colour (where ``share`` (SIDE, SIDE) is 0) with the second colour (where it is 1)."""
    mixed = share[..., None] * np.array(_second(color)) + (1 - share[..., None]) * np.array(color)
    picture: Picture = (np.clip(mixed, 0, 1) * 255).astype(np.uint8)
    return picture


def striped(color: RGB) -> Picture:
    """Stripes along y."""
    return _mix(np.broadcast_to((_RAMP % 64 < 26).astype(float)[None, :], (SIDE, SIDE)), color)


def checkered(color: RGB) -> Picture:
    """Alternating squares."""
    x, y = np.meshgrid(_RAMP // 32 % 2, _RAMP // 32 % 2)
    return _mix((x ^ y).astype(float), color)


def dotted(color: RGB) -> Picture:
    """Dots in staggered rows."""
    x, y = np.meshgrid(_RAMP, _RAMP)
    shifted = (x + 32 * (y // 64 % 2)) % 64
    return _mix((np.hypot(shifted - 32, y % 64 - 32) < 19).astype(float), color)


def floral(color: RGB) -> Picture:
    """Blossoms of five petals."""
    x, y = np.meshgrid(_RAMP, _RAMP)
    shifted = (x + 32 * (y // 64 % 2)) % 64
    dx, dy = shifted - 32, y % 64 - 32
    radius, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    return _mix(((radius < 16 + 10 * np.cos(5 * angle)) & (radius > 5)).astype(float), color)


PATTERNS: dict[str, Callable[[RGB], Picture]] = {
    "striped": striped,
    "checkered": checkered,
    "dotted": dotted,
    "floral": floral,
}
"""What cloth may be printed with."""


def art(seed: int) -> Picture:
    """A painting: a landscape, a figure on a background, or an abstract."""
    rng = np.random.default_rng((seed, 7))
    x, y = np.meshgrid(_RAMP / SIDE, _RAMP / SIDE)  # y runs up
    kind = int(rng.integers(3))
    palette = rng.uniform(0.1, 0.95, (6, 3))
    if kind == 0:
        horizon = rng.uniform(0.3, 0.6)
        image = np.where((y > horizon)[..., None], (0.5, 0.7, 0.92) * (0.6 + 0.4 * y[..., None]), (0.25, 0.45, 0.2))
        for height in (0.25, 0.12):
            hills = horizon + height * (0.5 + 0.5 * np.sin(2 * np.pi * (x * rng.uniform(0.7, 2) + rng.uniform())))
            image = np.where(((y < hills) & (y > horizon))[..., None], rng.uniform(0.2, 0.6, 3), image)
        sun = np.hypot(x - rng.uniform(0.2, 0.8), y - 0.82) < 0.08
        image = np.where(sun[..., None], (0.98, 0.85, 0.4), image)
    elif kind == 1:
        image = np.broadcast_to(palette[0], (SIDE, SIDE, 3)) * (0.7 + 0.3 * y[..., None])
        shoulders = (((x - 0.5) / 0.36) ** 2 + ((y - 0.05) / 0.38) ** 2) < 1
        head = (((x - 0.5) / 0.15) ** 2 + ((y - 0.6) / 0.2) ** 2) < 1
        hair = (((x - 0.5) / 0.18) ** 2 + ((y - 0.68) / 0.19) ** 2) < 1
        for region, tone in (
            (shoulders, palette[1]),
            (hair, palette[2] * 0.5),
            (head & (y < 0.68), (0.85, 0.66, 0.52)),
        ):
            image = np.where(region[..., None], tone, image)
    else:
        image = np.broadcast_to(palette[0], (SIDE, SIDE, 3))
        for tone in palette[1:]:
            cx, cy, half = rng.uniform(0.1, 0.9, 3)
            inside = (
                np.hypot(x - cx, y - cy) < half / 3
                if rng.random() < 0.5
                else (np.abs(x - cx) < half / 3) & (np.abs(y - cy) < half / 5)
            )
            image = np.where(inside[..., None], tone, image)
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)


def outside(rng: np.random.Generator) -> Picture:
    """The view from a window: sky over trees."""
    x, y = np.meshgrid(_RAMP / SIDE, _RAMP / SIDE)
    image = np.array((0.62, 0.80, 0.97)) * (0.75 + 0.25 * y[..., None])
    image = image + 0.25 * np.clip(_clouds(rng) - 0.55, 0, 1)[..., None]
    trees = y < 0.28 + 0.08 * np.sin(2 * np.pi * (3 * x + rng.uniform())) + 0.04 * np.sin(2 * np.pi * 7 * x)
    image = np.where(trees[..., None], np.array((0.2, 0.42, 0.18)) * (0.8 + 0.4 * _clouds(rng)[..., None]), image)
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)
