"""Answers as JSON and as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mdsm_ros.inference.answer import Segmentation
    from mdsm_ros.segmenter import Segmenter


def notes_of(segmenter: Segmenter, instruction: str) -> list[str]:
    """Warnings about limits of the model that apply to the instruction."""
    from mdsm_ros.language.limits import limits_of
    from mdsm_ros.models.interface import DetectingModel, ReadingModel

    model = segmenter.model
    understood = not isinstance(model, ReadingModel) or model.understands(instruction)
    vocabulary = getattr(getattr(model, "language", None), "vocabulary", None)  # only our models have one
    finds_several = isinstance(model, DetectingModel)
    return limits_of(instruction, understood=understood, vocabulary=vocabulary, finds_several=finds_several)


def summary_of(answer: Segmentation, instruction: str) -> dict[str, Any]:
    """An answer as JSON-ready values."""
    return {
        "instruction": instruction,
        "present": answer.present,
        "score": round(answer.score, 4),
        "stage": answer.stage,
        "pixels": int(answer.mask.sum()),
        "bbox": None if answer.box is None else list(answer.box),
        "objects": [
            {"bbox": list(one.box), "pixels": one.area, "score": round(one.score, 4)} for one in answer.instances
        ],
        "timings": {name: round(seconds, 4) for name, seconds in answer.timings.items()},
    }


def sentence_of(summary: dict[str, Any]) -> str:
    """The answer about an image in words, with its score, time and overlay."""
    if not summary["present"]:
        found = "not in view"
    elif summary["bbox"] is None:
        found = "in view, but no pixel is certain enough to be marked"
    else:
        number = len(summary["objects"])
        found = f"{f'{number} objects, ' if number > 1 else ''}{summary['pixels']} pixels in {summary['bbox']}"
        found = f"{found} (x, y, width, height)"
    return (
        f"{found}, score {summary['score']:.2f}, {summary['stage']} in {summary['timings']['total']:.2f} s "
        f"on {summary['device']}; overlay: {summary['overlay']}"
    )
