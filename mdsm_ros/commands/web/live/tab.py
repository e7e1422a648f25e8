"""The *Live* page in gradio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from mdsm_ros.commands.web.live.link import Link
from mdsm_ros.commands.web.live.viewer import escaped, picture_html, status_text
from mdsm_ros.errors import MdsmError
from mdsm_ros.inference.answer import MAX_INSTRUCTION_CHARACTERS

PERIOD = 0.5  # s between two images


def add_live_tab(link: Link) -> None:
    """Adds the page to the Blocks that are being built.

    Args:
        link: Connection to the running nodes.
    """
    with gr.Row():
        node = gr.Dropdown([], label="running node", allow_custom_value=False, elem_id="live-node")
        search = gr.Button("search", elem_id="live-search")
        leave = gr.Button("disconnect", elem_id="live-leave")
    note = gr.Markdown("Search finds the nodes that run on this network; it needs ROS 2.", elem_id="live-note")
    with gr.Row():
        said = gr.Textbox(
            label="instruction", max_length=MAX_INSTRUCTION_CHARACTERS, scale=4, elem_id="live-instruction"
        )
        send = gr.Button("send", variant="primary", elem_id="live-send")
    with gr.Group(visible=False) as asked:
        question = gr.Markdown(elem_id="live-question")
        reply = gr.Textbox(label="answer", max_length=MAX_INSTRUCTION_CHARACTERS, elem_id="live-reply")
        answer = gr.Button("answer", elem_id="live-answer")
    status = gr.Markdown(elem_id="live-status")
    with gr.Row():
        camera = gr.HTML(elem_id="live-camera", label="camera", min_width=320)
        overlay = gr.HTML(elem_id="live-overlay", label="overlay", min_width=320)
    timer = gr.Timer(PERIOD, active=False)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    def find() -> tuple[Any, str]:
        names = link.nodes()
        words = (
            f"{len(names)} found; choose one." if names else "No node found. Does it run, in the same ROS_DOMAIN_ID?"
        )
        return gr.Dropdown(choices=names, value=None), words

    def connect(name: str | None) -> tuple[str, Any]:
        if not name:
            return "", gr.Timer(active=False)
        ends = link.watcher().watch(name)
        words = f"Watching {escaped(name)}; camera: {escaped(ends.camera or 'unknown')}"
        return f"{words}; instructions: {escaped(ends.instruction or 'unknown')}", gr.Timer(active=True)

    def disconnect() -> tuple[Any, ...]:
        link.watcher().leave()
        return gr.Dropdown(value=None), "Disconnected.", gr.Timer(active=False), "", "", ""

    def look() -> tuple[Any, ...]:
        watcher = link.watcher()
        view = watcher.view()
        can_reply = watcher.ends is not None and watcher.ends.reply is not None
        return (
            status_text(view),
            picture_html(view.camera, "camera image"),
            picture_html(view.overlay, "overlay"),
            gr.Group(visible=view.question is not None and can_reply),
            f"**The node asks:** {escaped(view.question or '')}",
        )

    def say(text: str) -> str:
        return f"Sent: {escaped(link.watcher().say(text))}"

    def tell(text: str) -> tuple[str, str]:
        link.watcher().reply(text)
        return f"Answered: {escaped(text)}", ""

    search.click(_shown(find), None, [node, note], **quiet)
    node.input(_shown(connect), node, [note, timer], **quiet)
    leave.click(_shown(disconnect), None, [node, note, timer, camera, overlay, status], **quiet)
    timer.tick(_shown(look), None, [status, camera, overlay, asked, question], **quiet)
    gr.on([send.click, said.submit], _shown(say), said, note, **quiet)
    gr.on([answer.click, reply.submit], _shown(tell), reply, [note, reply], **quiet)


def _shown(work: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a function so that the page shows its user errors as messages."""

    def wrapped(*values: Any) -> Any:
        try:
            return work(*values)
        except (MdsmError, OSError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    return wrapped
