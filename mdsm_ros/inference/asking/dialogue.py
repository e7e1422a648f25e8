"""Tracks the open question about an instruction, and the object chosen by a reply, from frame to frame."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from mdsm_ros.errors import ReplyError
from mdsm_ros.inference.asking.decision import SAME_PLACE, Choice, Decision, overlap
from mdsm_ros.language.referring.candidates import Candidate
from mdsm_ros.language.referring.questions import Question
from mdsm_ros.language.referring.replies import Special, match_reply

NO_QUESTION = "no question is open"


@dataclass(frozen=True)
class News:
    """The changes that a frame brought.

    Attributes:
        question: A new question to ask; None if there is no question, or if it is unchanged since the previous frame.
        expired: Why the previous question is no longer open; "" if it is still open, or if there was none.
        outdated: Whether a reply arrived after the decision began, so that it must be repeated with the new choice.
    """

    question: Question | None = None
    expired: str = ""
    outdated: bool = False


@dataclass(frozen=True)
class _State:
    """State of one instruction; ``quiet``: the reply was "neither", so no more questions are asked."""

    instruction: str = ""
    question: Question | None = None
    choice: Choice | None = None
    quiet: bool = False


class Dialogue:
    """Remembers the questions and replies about the current instruction. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = _State()

    def begin(self, instruction: str) -> bool:
        """Starts a new instruction and drops the old state; returns whether a question was open."""
        with self._lock:
            was_open = self._state.question is not None
            self._state = _State(instruction)
            return was_open

    def choice_for(self, instruction: str) -> Choice | None:
        """Returns the object that a reply chose for an instruction; None if there is none."""
        with self._lock:
            return self._state.choice if self._state.instruction == instruction else None

    @property
    def question(self) -> Question | None:
        """The open question."""
        with self._lock:
            return self._state.question

    def reply(self, text: str) -> str | None:
        """Answers the open question; returns the words of the chosen option, None if the reply means none of them.

        Raises:
            ReplyError: No question is open, or the reply matches none of its options, or several.
        """
        with self._lock:
            question = self._state.question
            if question is None:
                raise ReplyError(f"reply is {text[:100]!r}, but {NO_QUESTION}; expected an instruction")
            found = match_reply(question, text)
            if isinstance(found, Special):
                self._state = replace(self._state, question=None, quiet=True)
                return None
            option = question.options[found]
            self._state = replace(self._state, question=None, choice=Choice(option.words, option.candidate.box))
            return option.words

    def note(self, instruction: str, decision: Decision, choice: Choice | None = None) -> News:
        """Updates the state from one frame; call it once for every answer.

        Args:
            instruction: Instruction of the answer.
            decision: Meaning of the instruction in the frame.
            choice: Choice used for the decision, from ``choice_for``.
        """
        with self._lock:
            state = self._state
            if state.instruction != instruction or state.quiet:
                return News()
            if state.choice is not choice:  # the decision may be about another object than the chosen one
                return News(outdated=True)
            if state.choice is not None:
                self._state = replace(state, choice=_moved(state.choice, decision))
                return News()
            question = decision.question
            self._state = replace(state, question=question)
            if state.question is None:
                return News(question)
            if question is not None and _is_same(state.question, question):
                self._state = replace(state, question=_in_old_words(state.question, question))
                return News()
            return News(question, "the scene changed")


def _moved(choice: Choice, decision: Decision) -> Choice:
    """Returns the choice with the current position of its object."""
    if decision.ranking is None:
        return choice
    return replace(choice, box=decision.candidates[decision.ranking.best].box)


def _match(old: Candidate, question: Question) -> Candidate | None:
    """Returns the object of a new question at the place of an object of the old question."""
    found = max(question.options, key=lambda option: overlap(old.box, option.candidate.box)).candidate
    return found if overlap(old.box, found.box) >= SAME_PLACE else None


def _is_same(old: Question, new: Question) -> bool:
    """Whether two questions are about the same objects."""
    return len(old.options) == len(new.options) and all(_match(o.candidate, new) is not None for o in old.options)


def _in_old_words(old: Question, new: Question) -> Question:
    """Returns the old question with the current positions of its objects."""
    moved = [replace(o, candidate=_match(o.candidate, new) or o.candidate) for o in old.options]
    return replace(old, options=tuple(moved))
