"""The page: its tabs and its style; nothing is fetched from other servers."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mdsm_ros.commands.web.browsing.browser import Browser
from mdsm_ros.commands.web.browsing.tab import add_browse_tab
from mdsm_ros.commands.web.labelling.desk import LabelDesk
from mdsm_ros.commands.web.labelling.tab import add_label_tab
from mdsm_ros.commands.web.live.link import Link
from mdsm_ros.commands.web.live.tab import add_live_tab
from mdsm_ros.commands.web.shelf import ModelShelf
from mdsm_ros.commands.web.trying.tab import add_try_tab

TITLE = "mdsm"
CLEANING = (600, 3600)  # s: interval between cleanings of temporary files, and their largest age
CSS = """
.gradio-container { padding: 8px !important; }
.live-picture { width: 100%; border-radius: 6px; }
.browse-tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 12px; }
.browse-tiles figure { margin: 0; }
.browse-tiles img { width: 100%; border-radius: 6px; }
.browse-tiles figcaption { overflow-wrap: anywhere; }
.live-none { padding: 40px 0; text-align: center; color: var(--body-text-color-subdued); }
"""


def build_page(
    shelf: ModelShelf, *, desk: LabelDesk | None = None, browser: Browser | None = None, link: Link | None = None
) -> gr.Blocks:
    """Builds the page with the tabs that have content.

    Args:
        shelf: Models of the *Try* tab.
        desk: Session of the *Label* tab.
        browser: Dataset of the *Browse* tab.
        link: Connection to the nodes of the *Live* tab.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=CLEANING) as blocks:
        first = "browse" if browser is not None else "label" if desk is not None else "try"
        with gr.Tabs(selected=first):
            with gr.Tab("Try", id="try"):
                add_try_tab(blocks, shelf)
            if link is not None:
                with gr.Tab("Live", id="live"):
                    add_live_tab(link)
            if desk is not None:
                with gr.Tab("Label", id="label"):
                    add_label_tab(desk)
            if browser is not None:
                with gr.Tab("Browse", id="browse"):
                    add_browse_tab(browser)
    return blocks


def looks() -> dict[str, Any]:
    """Returns theme and styles; the fonts are the browser's own, so that none is fetched."""
    fonts = ["ui-sans-serif", "system-ui", "sans-serif"]
    return {"theme": gr.themes.Default(font=fonts, font_mono=["ui-monospace", "monospace"]), "css": CSS}
