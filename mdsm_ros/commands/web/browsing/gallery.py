"""Tiles of the *Browse* page as HTML. Does not use gradio."""

from __future__ import annotations

import html
from collections.abc import Sequence

from mdsm_ros.commands.web.browsing.browser import Tile
from mdsm_ros.commands.web.pictures import jpeg_url


def gallery_html(tiles: Sequence[Tile]) -> str:
    """Returns images with captions side by side, as many as fit; no image file is written."""
    figures = (
        f'<figure><img alt="{html.escape(tile.caption)}" src="{jpeg_url(tile.picture)}">'
        f"<figcaption>{html.escape(tile.caption)}</figcaption></figure>"
        for tile in tiles
    )
    return f'<div class="browse-tiles">{"".join(figures)}</div>'
