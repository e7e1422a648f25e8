"""Asks on ``~/question`` which of several objects an instruction means, and reads the reply on ``~/reply``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from std_msgs.msg import Header

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.asking.decision import Choice, Decision, decide
from mdsm_ros.inference.asking.dialogue import Dialogue
from mdsm_ros.inference.asking.finder import NounFinder
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.language.referring.candidates import Locate, View
from mdsm_ros.language.referring.questions import Option, Question
from mdsm_ros.language.several import asks_for_several
from mdsm_ros.recordings.hard_frames import Correction
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.tracking.thread import nanoseconds
from mdsm_ros.segmenter import Segmenter

NOTHING = Decision((), (), None, None)  # where nothing is in view


class _Frame(NamedTuple):
    """A frame with the model's answer."""

    header: Header
    picture: Callable[[], np.ndarray]
    instruction: str
    answer: Segmentation


@dataclass(frozen=True)
class _Asked:
    """The frame that the open question is about."""

    stamp: int  # ns
    image: np.ndarray
    instruction: str
    score: float
    masks: dict[str, np.ndarray]  # by the words of the option

    @classmethod
    def about(cls, frame: _Frame, question: Question, decision: Decision) -> _Asked:
        """What is remembered until the reply."""
        masks = {option.words: decision.instance_of(option.candidate).mask for option in question.options}
        return cls(nanoseconds(frame.header), frame.picture(), frame.instruction, frame.answer.score, masks)

    def corrected(self, words: str | None) -> Correction:
        """What a reply says about the frame; None: none of the options."""
        mask = None if words is None else self.masks[words]
        return Correction(self.stamp, self.image, self.instruction, self.score, mask)


class Questions:
    """Asks questions and applies replies. The worker calls ``settle``, the executor's thread all else."""

    def __init__(self, segmenter: Segmenter, outputs: Outputs, log: Callable[[str], Any]) -> None:
        self._segmenter = segmenter
        self._outputs = outputs
        self._log = log
        self._dialogue = Dialogue()
        self._in_order = threading.Lock()  # messages are published in the order of events
        self._instruction = ""
        self._asked: _Asked | None = None  # exactly while a question is open, under the lock

    def begin(self, instruction: str, reason: str = "a new instruction") -> None:
        """Drops earlier questions and replies; "" forbids questions, also by the current answer."""
        before, self._instruction = self._instruction, instruction
        with self._in_order:
            self._asked = None
            if self._dialogue.begin(instruction):
                self._publish_settled(Header(), before, reason)

    def reply(self, text: str) -> Correction:
        """Applies a reply to the open question; returns what it says about the frame that the question was about.

        Raises:
            ReplyError: No question is open, or the reply matches none of its options, or several.
        """
        with self._in_order:
            words = self._dialogue.reply(text)
            asked, self._asked = self._asked, None
            assert asked is not None, "the dialogue accepts no reply without a question"
            meaning = words or "neither"
            self._log(f"reply: {text[:100]!r} means {meaning}")
            self._publish_settled(Header(), self._instruction, f"answered: {meaning}")
            return asked.corrected(words)

    def settle(
        self,
        header: Header,
        picture: Callable[[], np.ndarray],
        instruction: str,
        answer: Segmentation,
        settings: InferenceSettings,
        in_space: Callable[[], Locate | None],
    ) -> Segmentation:
        """Asks if several objects match; returns the answer for the object chosen by a reply or by relations.

        Args:
            header: Header of the image.
            picture: Function that returns the image, uint8 (H, W, 3) RGB; called only if needed.
            instruction: Instruction that was answered.
            answer: The model's final answer.
            settings: Settings of the answer.
            in_space: Function that returns the locator of masks in space, or None without depth; called only if needed.
        """
        if not (settings.ask or settings.relations) or asks_for_several(instruction):
            return answer
        frame = _Frame(header, picture, instruction, answer)
        if not answer.present:
            if settings.ask:  # an open question is about objects that are out of view now
                self._tell(frame, NOTHING, self._dialogue.choice_for(instruction))
            return answer
        image = picture()
        view, find = View(image, in_space()), NounFinder(self._segmenter, image, settings)
        of_model = None if self._segmenter.finds_objects else answer
        while True:
            choice = self._dialogue.choice_for(instruction) if settings.ask else None
            decision = decide(view, instruction, find, margin=settings.ask_margin, answer=of_model, choice=choice)
            if not settings.ask or self._tell(frame, decision, choice):
                break
        judged = decision.ranking is not None and decision.ranking.judged
        if decision.best is not None and judged and (choice is not None or settings.relations):
            return answer.about(decision.best.mask)
        return answer

    def _tell(self, frame: _Frame, decision: Decision, choice: Choice | None) -> bool:
        """Publishes the changes of a frame; returns False if a reply arrived that the decision does not know."""
        with self._in_order:
            news = self._dialogue.note(frame.instruction, decision, choice)
            if news.question is not None:
                self._log(f"question: {news.question.text}")
                self._asked = _Asked.about(frame, news.question, decision)
                self._outputs.publish_question(frame.header, frame.instruction, _listed(news.question, decision))
            elif news.expired:
                self._asked = None
                self._publish_settled(frame.header, frame.instruction, news.expired)
        return not news.outdated

    def _publish_settled(self, header: Header, instruction: str, reason: str) -> None:
        self._outputs.publish_question(header, instruction, {"question": None, "options": [], "settled": reason})


def _listed(question: Question, decision: Decision) -> dict[str, Any]:
    options = [_option(i, option, decision) for i, option in enumerate(question.options, start=1)]
    return {"question": question.text, "options": options, "settled": None}


def _option(number: int, option: Option, decision: Decision) -> dict[str, Any]:
    """One option; its box is x, y, width and height in pixels."""
    box = list(decision.instance_of(option.candidate).box)
    return {"number": number, "words": option.words, "score": round(option.candidate.score, 4), "box": box}
