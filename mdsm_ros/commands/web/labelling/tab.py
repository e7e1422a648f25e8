"""The *Label* page: a canvas of our own in gradio's HTML component.

gradio's ImageEditor has no keys and no candidates to click, and sends three images to the server for every stroke.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from mdsm_ros.commands.web.labelling.desk import LabelDesk, Reply

HERE = Path(__file__).parent


def add_label_tab(desk: LabelDesk) -> None:
    """Adds the page to the Blocks that are being built.

    Args:
        desk: Session to label in.
    """

    def open_frame(request: dict[str, object]) -> Reply:
        return desk.open_frame(request)

    def ask(request: dict[str, object]) -> Reply:
        return desk.ask(request)

    def keep(request: dict[str, object]) -> Reply:
        return desk.keep(request)

    def save(request: dict[str, object]) -> Reply:
        return desk.save(request)

    gr.HTML(
        html_template=_text("label.html"),
        css_template=_text("label.css"),
        js_on_load=_text("label.js"),
        server_functions=[open_frame, ask, keep, save],
        elem_id="label-desk",
    )


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
