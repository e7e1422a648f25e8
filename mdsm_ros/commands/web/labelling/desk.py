"""Requests of the *Label* page: open a frame, ask the model, save a label. Takes and returns JSON, without gradio.

The browser is not trusted: frame numbers, verdicts, instructions and masks are checked, and it never names a file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.commands.web.candidates import candidates, number_map
from mdsm_ros.commands.web.labelling.session import VERDICTS, Label, LabelSession
from mdsm_ros.commands.web.pictures import fit, fitted_size, jpeg_url, mask_of_url, png_url, scaled_mask
from mdsm_ros.commands.web.shelf import ModelShelf
from mdsm_ros.errors import CommandError, MdsmError
from mdsm_ros.foreign import is_integer, shown
from mdsm_ros.inference.answer import validate_instruction

Reply = dict[str, Any]
UNREADABLE, GREY = (240, 320, 3), 60  # what is shown for a frame that cannot be read


class LabelDesk:
    """Serves one labelling session to a browser.

    Args:
        session: Session with the frames and their labels.
        shelf: Model that proposes masks.
    """

    def __init__(self, session: LabelSession, shelf: ModelShelf) -> None:
        self._session = session
        self._shelf = shelf
        self._said = ""  # the last typed instruction, for frames without one

    def open_frame(self, request: object) -> Reply:
        """Returns a frame with its label, without running the model, so that the frame appears at once.

        Args:
            request: Object with the ``number`` of the frame; null: the first one without a label.

        Returns:
            ``number``, ``total``, ``name``, ``verdict``, ``counts``, ``instruction``, ``width``, ``height``, ``draft``
            (whether the mask is a drawing without a verdict), and the addresses of ``image`` and of ``mask``,
            which is null if there is neither a label nor a drawing; ``fault``, why the frame cannot be read, or null:
            such a frame is grey, and can only be left out; or ``error``.
        """
        return _replying(lambda: self._open(request))

    def ask(self, request: object) -> Reply:
        """Returns the model's answer for a frame.

        Args:
            request: Object with the ``number`` of the frame and ``instruction``.

        Returns:
            ``proposed``, the mask that a person chose on the robot or else the model's, and ``candidates`` as addresses
            of PNG images; ``chosen``, whether a person did; ``score`` and ``present`` of the model; or ``error``.
        """

        def answer() -> Reply:
            number = self._number(request)
            self._said = validate_instruction(_text(request, "instruction"))
            return self._proposal(number, self._session.frames.image(number), self._said)

        return _replying(answer)

    def save(self, request: object) -> Reply:
        """Stores a label.

        Args:
            request: Object with ``number``, ``verdict`` ("labelled", "absent" or "rejected"), ``instruction``, and for
                "labelled" the ``mask`` as the address of a PNG image of the size of the frame on the page.

        Returns:
            ``verdict`` and ``counts``; or ``error``.
        """
        return _replying(lambda: self._save(request))

    def keep(self, request: object) -> Reply:
        """Stores a drawing without a verdict, so that it appears when the frame is opened again.

        Args:
            request: Object with ``number``, ``instruction``, which may be empty, and ``mask`` as for :meth:`save`.

        Returns:
            Empty, or ``error``.
        """

        def keep() -> Reply:
            number = self._number(request)
            self._session.keep(number, _text(request, "instruction"), self._mask(request, number))
            return {}

        return _replying(keep)

    def _open(self, request: object) -> Reply:
        number = self._session.first_open() if _field(request, "number") is None else self._number(request)
        frames = self._session.frames
        fault: str | None = None
        label: Label | None = None
        draft: Label | None = None
        try:
            image = frames.image(number)
            label, draft = self._session.label(number), self._session.draft(number)
        except MdsmError as error:  # the frames after it must stay within reach
            image, fault = np.full(UNREADABLE, GREY, np.uint8), str(error)
        height, width = image.shape[:2]
        known = (draft or label) if fault is None else None
        is_new = frames.image_name(number) == frames.keys[number]  # not another object in the same image
        text = (known.instruction if known else "") or frames.instruction(number) or (self._said if is_new else "")
        shown_size = fitted_size(width, height)
        own = None if known is None else np.zeros((height, width), bool) if known.mask is None else known.mask
        return {
            "number": number,
            "total": len(frames.keys),
            "name": frames.keys[number],
            "verdict": self._session.verdict(number),
            "counts": self._session.counts(),
            "instruction": text,
            "draft": draft is not None,
            "fault": fault,
            "width": shown_size[0],
            "height": shown_size[1],
            "image": jpeg_url(fit(image)),
            "mask": None if own is None else _mask_url(scaled_mask(own, *shown_size)),
        }

    def _proposal(self, number: int, image: NDArray[np.uint8], text: str) -> Reply:
        answer = self._shelf.answer(f"frame {self._session.frames.keys[number]}", image, text)
        chosen = self._session.frames.chosen(number, text)
        with self._shelf.model() as segmenter:
            threshold = segmenter.defaults.mask_threshold
        size = fitted_size(image.shape[1], image.shape[0])
        numbers = number_map(candidates(answer.probability, threshold), answer.mask.shape)
        layers = [numbers == value for value in range(1, int(numbers.max()) + 1)]
        fitted = number_map([scaled_mask(layer, *size) for layer in layers], (size[1], size[0]))
        return {
            "proposed": _mask_url(scaled_mask(answer.mask if chosen is None else chosen, *size)),
            "chosen": chosen is not None,
            "candidates": png_url(fitted),
            "score": round(answer.score, 3),
            "present": answer.present,
        }

    def _save(self, request: object) -> Reply:
        number, verdict = self._number(request), _field(request, "verdict")
        if verdict not in VERDICTS:
            raise CommandError(f"verdict is {shown(verdict)}, expected one of {', '.join(VERDICTS)}")
        text = _text(request, "instruction") if verdict != "rejected" else ""
        self._session.save(number, Label(verdict, text, self._mask(request, number) if verdict == "labelled" else None))
        self._said = text or self._said
        return {"verdict": verdict, "counts": self._session.counts()}

    def _mask(self, request: object, number: int) -> NDArray[np.bool_]:
        """Returns the mask sent by the browser, on the frame's grid."""
        height, width = self._session.frames.image(number).shape[:2]
        return scaled_mask(mask_of_url(_field(request, "mask"), fitted_size(width, height)), width, height)

    def _number(self, request: object) -> int:
        number, total = _field(request, "number"), len(self._session.frames.keys)
        if not is_integer(number, 0, total - 1):
            raise CommandError(f"frame number is {shown(number)}, expected 0 to {total - 1}")
        assert isinstance(number, int)
        return number


def _field(request: object, name: str) -> object:
    if not isinstance(request, dict):
        raise CommandError(f"request is {shown(request)}, expected an object")
    return request.get(name)


def _text(request: object, name: str) -> str:
    value = _field(request, name)
    if not isinstance(value, str):
        raise CommandError(f"{name} is {shown(value)}, expected text")
    return value


def _mask_url(mask: NDArray[np.bool_]) -> str:
    return png_url(mask.astype(np.uint8) * 255)


def _replying(work: Callable[[], Reply]) -> Reply:
    """Returns the reply, or the message of an error for the user."""
    try:
        return work()
    except (MdsmError, OSError) as error:
        return {"error": str(error)}
