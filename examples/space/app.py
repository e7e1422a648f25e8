"""The *Try* page of ``mdsm web`` as a Hugging Face Space: a photograph and an instruction in, masks out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdsm_ros.commands.web.page import build_page, looks
from mdsm_ros.commands.web.pictures import MAX_UPLOAD
from mdsm_ros.commands.web.shelf import ModelShelf

if TYPE_CHECKING:
    from mdsm_ros.segmenter import Segmenter

MODELS = ["mdsm-small"]  # embedded in the package; names of public models are downloaded when they are first chosen


def load(name: str) -> Segmenter:
    """Loads a model when a visitor first asks it."""
    from mdsm_ros.segmenter import Segmenter

    return Segmenter.from_pretrained(name)


demo = build_page(ModelShelf(MODELS, load))

if __name__ == "__main__":
    demo.launch(max_file_size=MAX_UPLOAD, footer_links=[], ssr_mode=False, **looks())
