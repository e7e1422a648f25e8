"""The *Try* page in gradio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from mdsm_ros.commands.web.pictures import read_upload
from mdsm_ros.commands.web.shelf import ModelShelf
from mdsm_ros.commands.web.trying.tryout import MOST_SAMPLES, MOST_STEPS, Choices, Trial, trials
from mdsm_ros.errors import MdsmError
from mdsm_ros.inference.answer import MAX_INSTRUCTION_CHARACTERS


def add_try_tab(blocks: gr.Blocks, shelf: ModelShelf) -> None:
    """Adds the page to the Blocks that are being built.

    Args:
        blocks: The Blocks; the default model is loaded for its settings when a browser opens them.
        shelf: Available models.
    """
    with gr.Row():
        with gr.Column():
            photograph = gr.Image(
                label="photograph or webcam",
                sources=["upload", "webcam", "clipboard"],
                type="filepath",
                image_mode=None,
                height=360,
                elem_id="try-photograph",
            )
            photograph.preprocess = _path_of  # gradio's own opens the file, and its errors show the server's path
            said = gr.Textbox(
                label="instruction",
                placeholder="get the red cup next to the kettle",
                max_length=MAX_INSTRUCTION_CHARACTERS,
                elem_id="try-instruction",
            )
            ask = gr.Button("find it", variant="primary", elem_id="try-ask")
            model = gr.Dropdown(shelf.names, value=shelf.names[0], label="model", elem_id="try-model")
            settings = _settings(shelf)
        with gr.Column():
            verdict = gr.Markdown("Drop a photograph, type what to look for.", elem_id="try-verdict")
            refined = _picture("refined mask", "try-refined")
            initial = _picture("initial mask", "try-initial")
            regions = _picture("candidates", "try-regions")
            words = _picture("attention of each word", "try-words")
            spread = _picture("where several refinements differ", "try-spread")
    outputs = [verdict, initial, refined, regions, spread, words]

    def answer(path: str | None, text: str, name: str, *values: float) -> Iterator[tuple[Any, ...]]:
        if path is None:
            raise gr.Error("photograph is missing, expected one to look at", print_exception=False)
        try:
            for trial in trials(shelf, read_upload(path), text, name, _choices(*values)):
                yield _shown(trial)
        except (MdsmError, OSError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    gr.on(
        [ask.click, said.submit],
        answer,
        [photograph, said, model, *settings],
        outputs,
        concurrency_limit=1,
        api_visibility="private",
    )
    model.change(lambda name: _values(shelf, name), model, settings, api_visibility="private")
    blocks.load(
        lambda: _values(shelf, shelf.names[0]), None, settings, api_visibility="private", show_progress="hidden"
    )


def _path_of(payload: Any) -> str | None:
    """Returns the path of an upload; gradio has checked that it is an upload."""
    return None if payload is None else payload.path


def _picture(label: str, name: str) -> gr.Image:
    return gr.Image(label=label, interactive=False, visible=False, format="jpeg", elem_id=name, buttons=["fullscreen"])


def _settings(shelf: ModelShelf) -> list[Any]:
    """The settings in the order of :class:`Choices`, with the model's default values."""
    with gr.Accordion("settings", open=False, elem_id="try-settings"):
        steps = gr.Slider(0, MOST_STEPS, value=0, step=1, label="refinement steps (0: initial mask only)")
        samples = gr.Slider(1, MOST_SAMPLES, value=1, step=1, label="refined masks to average")
        mask = gr.Slider(0, 1, value=0.5, step=0.01, label="mask threshold")
        present = gr.Slider(0, 1, value=0.5, step=0.01, label="threshold of the score")
        seed = gr.Number(0, label="seed", precision=0, minimum=0)
    return [steps, samples, mask, present, seed]


def _values(shelf: ModelShelf, name: str) -> list[float]:
    try:
        chosen = shelf.defaults(name)
    except (MdsmError, OSError) as error:
        raise gr.Error(str(error), print_exception=False) from error
    return [
        chosen.num_inference_steps,
        chosen.num_samples,
        chosen.mask_threshold,
        chosen.present_threshold,
        chosen.seed,
    ]


def _choices(steps: float, samples: float, mask: float, present: float, seed: float | None) -> Choices:
    return Choices(int(steps), int(samples), float(mask), float(present), int(seed or 0))


def _shown(trial: Trial) -> tuple[Any, ...]:
    notes = "".join(f"\n\n*{note}*" for note in trial.notes)
    pictures = (trial.initial, trial.refined, trial.regions, trial.uncertainty, trial.attention)
    return (
        f"**{trial.verdict}**{notes}",
        *(gr.Image(value=picture, visible=picture is not None) for picture in pictures),
    )
