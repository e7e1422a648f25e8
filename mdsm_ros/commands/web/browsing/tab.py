"""The *Browse* page in gradio."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mdsm_ros.commands.web.browsing.browser import ORDERS, PAGE, SIZES, Browser, Filter
from mdsm_ros.commands.web.browsing.gallery import gallery_html
from mdsm_ros.errors import MdsmError


def add_browse_tab(browser: Browser) -> None:
    """Adds the page to the Blocks that are being built.

    Args:
        browser: Dataset to browse.
    """
    with gr.Row():
        text = gr.Textbox(label="words of the instruction", max_length=200, elem_id="browse-text")
        size = gr.Dropdown(list(SIZES), value=SIZES[0], label="size of the target", elem_id="browse-size")
        difficulty = gr.Dropdown(browser.difficulties(), value="any", label="difficulty", elem_id="browse-difficulty")
        split = gr.Dropdown(browser.splits(), value="any", label="split", elem_id="browse-split")
        order = gr.Dropdown(list(ORDERS), value=ORDERS[0], label="order", elem_id="browse-order")
    with gr.Row():
        show = gr.Button("show", variant="primary", elem_id="browse-show")
        number = gr.Number(1, label="page", precision=0, minimum=1, elem_id="browse-page")
    summary = gr.Markdown(elem_id="browse-summary")
    gr.Markdown("Right mask: green outline. Mask of the model: pink.")
    gallery = gr.HTML(elem_id="browse-gallery")

    def find(wanted: tuple[Any, ...], page: float | None, progress: gr.Progress) -> tuple[str, str]:
        def tell(done: int, total: int) -> None:
            progress((done, total), desc="the model answers")

        try:
            found = browser.find(Filter(*wanted), tell)
            pages = max(1, -(-len(found) // PAGE))
            chosen = min(max(1, int(page or 1)), pages)
            tiles = browser.tiles(found, chosen - 1)
        except (MdsmError, OSError) as error:
            raise gr.Error(str(error), print_exception=False) from error
        words = f"{len(found)} of {len(browser.data.instructions)} instructions; page {chosen} of {pages}"
        return words, gallery_html(tiles)

    def first(*values: Any, progress: gr.Progress = gr.Progress()) -> tuple[Any, ...]:  # noqa: B008 - gradio's pattern
        return (*find(values, 1, progress), 1)

    def turned(*values: Any, progress: gr.Progress = gr.Progress()) -> tuple[Any, ...]:  # noqa: B008
        return find(values[:-1], values[-1], progress)

    filters: list[Any] = [text, size, difficulty, split, order]
    options: dict[str, Any] = {"concurrency_limit": 1, "api_visibility": "private"}
    gr.on([show.click, text.submit], first, filters, [summary, gallery, number], **options)
    number.submit(turned, [*filters, number], [summary, gallery], **options)
