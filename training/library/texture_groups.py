"""Which pictures of the sources are used as textures, sorted by looking at each.

Each is named by the end of its path. Only sources with a free licence: robosuite (MIT), Sweet Home 3D's catalogues.
"""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "floor": (
        "textures/light-gray-floor-tile.png",
        "textures/wood-tiles.png",
        "textures/wood-varnished-panels.png",
    ),
    "wall": (
        "textures/cream-plaster.png",
        "textures/gray-plaster.png",
        "textures/light-gray-plaster.png",
        "textures/pink-plaster.png",
        "textures/white-bricks.png",
        "textures/white-plaster.png",
        "textures/yellow-plaster.png",
    ),
    "cloth": ("textures/gray-felt.png",),
    "wood": (
        "textures/dark-wood.png",
        "textures/gray-woodgrain.png",
        "textures/light-wood.png",
        "textures/red-wood.png",
    ),
    "stone": ("textures/ceramic.png", "textures/clay.png"),
    "picture": (),
}
