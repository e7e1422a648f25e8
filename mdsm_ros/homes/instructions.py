"""Sentences in the manner of REVERIE about a view: room, verb, target, attributes and relations.

A description is a noun phrase with the conditions it states. It is used only when exactly one visible item meets all
its conditions beyond doubt and every other one clearly fails one, however little of that other one is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mdsm_ros.homes import relations
from mdsm_ros.homes.home import Room
from mdsm_ros.homes.objects import OBJECTS
from mdsm_ros.homes.parts import COLORS, CONFUSABLE
from mdsm_ros.homes.relations import Seen

NOT_IN_VIEW_SHARE = 0.14  # of the attempts; some find nothing plausible that is absent, one in ten remains

FETCH = ("get", "fetch", "bring me", "pick up", "grab", "hand me", "take", "retrieve", "find", "bring")
FURNITURE_VERBS = (
    "clean",
    "dust",
    "wipe",
    "wipe down",
    "inspect",
    "walk up to",
    "stand next to",
    "check",
    "polish",
    "tidy up",
)
GO = (
    "Go to",
    "Walk to",
    "Head to",
    "Go into",
    "Walk into",
    "Head into",
    "Enter",
    "Proceed to",
    "Move to",
    "Go over to",
    "Make your way to",
)
TAILS = (
    "and bring it to me",
    "and bring it back here",
    "and hand it to me please",
    "and carry it to the hallway",
    "and put it in the closet",
    "and take it to the garage",
    "and set it down by the front door",
    "for me please",
    "and give it to my sister",
    "and bring it over here right away",
)
FURNITURE_TAILS = (
    "with a damp cloth",
    "and then wait there",
    "please",
    "and tell me what you see",
    "before the guests arrive",
    "when you have time",
)

BESIDE: tuple[tuple[Callable[[Seen, Seen], relations.Verdict], tuple[str, ...]], ...] = (
    (relations.left_of, ("to the left of {}", "left of {}", "on the left side of {}")),
    (relations.right_of, ("to the right of {}", "right of {}", "on the right side of {}")),
    (relations.in_front_of, ("in front of {}",)),
    (relations.behind, ("behind {}",)),
)


@dataclass(frozen=True)
class Sentence:
    """An instruction about a view.

    Attributes:
        text: the sentence.
        target: index of the item in the room; None when what it names is not in view.
        expressions: number of referring expressions.
        distractors: other visible items of the target's kind.
        by_looks: kind and colour alone would single the target out.
    """

    text: str
    target: int | None
    expressions: int
    distractors: int
    by_looks: bool


@dataclass(frozen=True)
class _Phrase:
    text: str
    expressions: int


class Speaker:
    """Makes sentences about one view.

    Args:
        room: the room.
        seen: everything visible, from :func:`relations.look`.
        rng: chooses the words.
    """

    def __init__(self, room: Room, seen: Sequence[Seen], rng: np.random.Generator) -> None:
        self.room, self.seen, self.rng = room, list(seen), rng

    def sentences(self, count: int) -> list[Sentence]:
        """Up to ``count`` sentences about different targets; about one in ten names something that is not in view."""
        targets = [s for s in self.seen if s.target]
        shuffled = [targets[i] for i in self.rng.permutation(len(targets))]
        furniture = [s for s in shuffled if self.room.items[s.index].furniture]
        objects = [s for s in shuffled if not self.room.items[s.index].furniture]
        objects.sort(key=lambda s: len(self._candidates(s.kind, None)[0]) == 1)  # those with a double in view first
        chosen = objects[: count - 1] + furniture[:1]
        result: list[Sentence] = []
        for target in chosen:
            absent = self.rng.random() < NOT_IN_VIEW_SHARE
            sentence = self._about_absent(target) if absent else self._about(target)
            if sentence is not None:
                result.append(sentence)
        return result

    def _pick(self, words: Sequence[str]) -> str:
        return str(words[int(self.rng.integers(len(words)))])

    def _candidates(self, kind: str, color: str | None) -> tuple[list[Seen], list[Seen]]:
        """Visible items that surely are, and that might be, of a kind and colour."""
        same = [s for s in self.seen if s.kind == kind]
        if color is None:
            return same, same
        return [s for s in same if s.color == color], [
            s for s in same if s.color == color or s.color in CONFUSABLE[color]
        ]

    def _landmark_phrases(self, target: Seen) -> list[tuple[Seen, str]]:
        """Landmarks that a listener finds without doubt, each with its noun phrase."""
        found = []
        for mark in self.seen:
            if mark.index == target.index or not mark.landmark:
                continue
            if len(self._candidates(mark.kind, None)[0]) == 1:
                found.append(
                    (mark, f"the {mark.color} {mark.kind}" if self.rng.random() < 0.45 else f"the {mark.kind}")
                )
                continue
            _, might = self._candidates(mark.kind, mark.color)
            if len(might) == 1:
                found.append((mark, f"the {mark.color} {mark.kind}"))
        return found

    def _relations(self, target: Seen, candidates: list[Seen]) -> list[tuple[str, list[Seen], int]]:
        """True statements on the target: clause, candidates that are clearly ruled out by it, referring expressions."""
        room, others = self.room, [c for c in candidates if c.index != target.index]
        marks = [(m, p) for m, p in self._landmark_phrases(target) if m.kind != target.kind]
        clauses: list[tuple[str, list[Seen], int]] = []

        def state(clause: str, holds: relations.Verdict, verdicts: list[relations.Verdict], count: int) -> None:
            if holds:
                clauses.append((clause, [o for o, v in zip(others, verdicts, strict=True) if v is False], count))

        def free(relation: Callable[[Seen, Seen], relations.Verdict], mark: Seen) -> list[relations.Verdict]:
            """Of a thing on, under or above the landmark nobody says that it is beside it, nor that it is not."""
            return [None if relations.attached(room, c, mark) else relation(c, mark) for c in (target, *others)]

        for mark, phrase in marks:
            furniture = room.items[mark.index].furniture
            if furniture:
                state(
                    f"on {phrase}" if self.rng.random() < 0.6 else f"sitting on {phrase}",
                    relations.on(room, target, mark),
                    [relations.on(room, o, mark) for o in others],
                    1,
                )
                state(
                    f"under {phrase}",
                    relations.under(room, target, mark),
                    [relations.under(room, o, mark) for o in others],
                    1,
                )
                state(
                    f"hanging above {phrase}",
                    relations.above(room, target, mark),
                    [relations.above(room, o, mark) for o in others],
                    1,
                )
            for relation, words in BESIDE:
                holds, *verdicts = free(relation, mark)
                state(self._pick(words).format(phrase), holds, verdicts, 1)
            if others and relations.nearest(candidates, mark) is target:
                clauses.append((self._pick(("nearest to {}", "closest to {}", "nearest {}")).format(phrase), others, 1))
        loose = (
            []
            if room.items[target.index].furniture
            else [(m, p) for m, p in marks if not relations.attached(room, target, m)]
        )
        for i, (first, first_phrase) in enumerate(loose):
            for second, second_phrase in loose[i + 1 :]:
                state(
                    f"between {first_phrase} and {second_phrase}",
                    relations.between(target, first, second),
                    [relations.between(o, first, second) for o in others],
                    2,
                )
        if others:
            for side in ("left", "right"):
                if relations.outermost(candidates, side) is target:
                    clauses.append(
                        (
                            self._pick(("on the far {}", "farthest to the {}", "that is furthest {}")).format(side),
                            others,
                            0,
                        )
                    )
            if relations.closest_to_camera(candidates) is target:
                clauses.append((self._pick(("closest to you", "nearest to you", "right in front of you")), others, 0))
        self.rng.shuffle(clauses)  # type: ignore[arg-type]
        rank = {"between": 0, "under": 0, "behind": 0, "in front": 0, "hanging": 0, "nearest": 1, "closest": 1}
        clauses.sort(
            key=lambda c: next((r for word, r in rank.items() if c[0].startswith(word)), 2) + self.rng.random() * 2.2
        )
        return clauses

    def _describe(self, target: Seen) -> tuple[_Phrase, bool] | None:
        """A noun phrase that fits the target alone, and whether kind and colour would have done."""
        _, might = self._candidates(target.kind, target.color)
        by_looks = len(might) == 1
        alone = len(self._candidates(target.kind, None)[0]) == 1
        use_color = self.rng.random() < (0.5 if alone else 0.85 if by_looks else 0.5)
        candidates = might if use_color else self._candidates(target.kind, None)[0]
        open_rivals = [c for c in candidates if c.index != target.index]
        words: list[str] = []
        clauses: list[str] = []
        expressions = 1
        if target.size and self.rng.random() < 0.3:
            words.append(target.size)
        if use_color:
            words.append(target.color)
        wanted = int(self.rng.choice((1, 2), p=(0.62, 0.38)))
        for clause, ruled_out, count in self._relations(target, candidates):
            helps = any(r in ruled_out for r in open_rivals)
            if open_rivals and not helps:
                continue
            if any(clause.split()[0] == c.split()[0] for c in clauses):
                continue
            clauses.append(clause)
            expressions += count
            open_rivals = [r for r in open_rivals if r not in ruled_out]
            if len(clauses) >= wanted and not open_rivals:
                break
            if len(clauses) == 3:
                break
        if open_rivals or (not clauses and not by_looks and not alone):
            return None
        noun = " ".join(["the", *words, target.kind])
        if not clauses:
            return _Phrase(noun, expressions), by_looks
        joint = " that is " if self.rng.random() < 0.2 and not clauses[0].startswith(("that", "farthest")) else " "
        return _Phrase(noun + joint + " and ".join(clauses), expressions), by_looks

    def _sentence(self, kind: str, furniture: bool, phrase: str) -> str:
        rng, room = self.rng, self.room.kind
        if furniture:
            verb, tail = self._pick(FURNITURE_VERBS), self._pick(FURNITURE_TAILS)
        else:
            special = OBJECTS[kind].verbs
            fetch = OBJECTS[kind].portable and (not special or rng.random() < 0.6)
            verb = self._pick(FETCH if fetch else special)
            tail = self._pick(TAILS) if fetch and verb not in ("bring me", "hand me", "find", "bring") else ""
        if rng.random() < 0.35:
            tail = ""
        go = f"{self._pick(GO)} the {room}"
        frame = int(rng.integers(6))
        if frame <= 2:
            text = f"{go} and {verb} {phrase}"
        elif frame == 3:
            text = (
                f"{go}, look for {phrase} and {verb} it"
                if verb in ("fetch", "get", "grab", "take")
                else f"{go}, then {verb} {phrase}"
            )
        elif frame == 4:
            text = f"In the {room}, please {verb} {phrase}"
        else:
            opening = self._pick(("Could you", "Please", "Can you", "I need you to"))
            text = f"{opening} go to the {room} and {verb} {phrase}"
        if tail:
            text = f"{text} {tail}"
        return text + ("." if rng.random() < 0.3 else "")

    def _about(self, target: Seen) -> Sentence | None:
        described = self._describe(target)
        if described is None:
            return None
        phrase, by_looks = described
        same = len(self._candidates(target.kind, None)[0])
        text = self._sentence(target.kind, self.room.items[target.index].furniture, phrase.text)
        return Sentence(text, target.index, phrase.expressions, same - 1, by_looks)

    def _about_absent(self, model: Seen) -> Sentence | None:
        """A sentence like that about ``model``, with a kind or colour put in its place that is not in view."""
        described = self._describe(model)
        if described is None:
            return None
        item = self.room.items[model.index]
        phrase, _ = described
        if item.furniture:
            return None
        kind, color = model.kind, model.color
        if self.rng.random() < 0.5:
            in_view = {s.kind for s in self.seen}
            kinds = [
                k
                for k in OBJECTS
                if k not in in_view
                and not any(k in v or v in k for v in in_view)
                and OBJECTS[k].places & OBJECTS[model.kind].places
            ]
            if not kinds:
                return None
            kind = self._pick(kinds)
            text = phrase.text.replace(model.kind, kind, 1)
            if color not in OBJECTS[kind].colors:
                text = text.replace(f"{color} ", f"{self._pick(OBJECTS[kind].colors)} ", 1)
        else:
            taken = {s.color for s in self.seen if s.kind == kind}
            near = taken.union(*(CONFUSABLE[c] for c in taken))
            colors = [c for c in COLORS if c not in near and c in OBJECTS[kind].colors]
            if not colors:
                return None
            noun = f"{self._pick(colors)} {kind}"
            old = f"{color} {kind}"
            text = (
                phrase.text.replace(old, noun, 1)
                if old in phrase.text.split(" that ")[0][: len(old) + 12]
                else phrase.text.replace(kind, noun, 1)
            )
        return Sentence(self._sentence(kind, False, text), None, phrase.expressions, 0, False)
