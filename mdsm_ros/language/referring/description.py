"""Parses how an instruction describes its target: noun, colour, and clauses with their landmarks.

Clauses may use the words of the homes (:mod:`mdsm_ros.language.referring.words`) and common short forms. A clause
directly after a landmark, or after "that is", describes the landmark; a clause after "and" describes the target, as in
the homes' sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from mdsm_ros.language.referring import words
from mdsm_ros.language.target_phrase import find_target

ARTICLE = r"(?:the|a|an|my|your|his|her|our|their|this|that)\s+"
MAX_DEPTH = 3  # nesting depth of landmarks
COUNTED = frozenset((*words.ORDINALS, *words.ORDINALS_OF_NUMBERS))
PART_OF = re.compile(rf"^(?:{ARTICLE})?(?:[a-z]+ )?(?:{'|'.join(words.PARTS)}) of (?={ARTICLE})")
BEHIND_NOUN = re.compile(r"^(.*?\w\w.*?) (?:in|on|at|with|without|for|from|into|onto|to|by|straight|up)\b.*$")
"""What follows the noun and is no clause that is known: "the globe in your hands"."""
FRAMED = re.compile(r"with (?:the|a|an) (?P<color>[a-z]+) frame$")


@dataclass(frozen=True)
class Statement:
    """A statement about an object, with its landmarks.

    Attributes:
        name: A key of ``words.CLAUSES``, "fourth from left", "fourth from right", "big" or "small".
        marks: Descriptions of the landmarks.
    """

    name: str
    marks: tuple[Description, ...] = ()


@dataclass(frozen=True)
class Description:
    """An object in words; lower case.

    Attributes:
        noun: Category of the object, including preceding words other than those below: "side table".
        color: Key of ``words.COLORS``, or None.
        pattern: Key of ``words.PATTERN_NAMES``, or None.
        statements: Further statements about the object.
    """

    noun: str
    color: str | None = None
    pattern: str | None = None
    statements: tuple[Statement, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether the description contains more than the noun."""
        return bool(self.statements) or self.color is not None or self.pattern is not None

    @property
    def landmarks(self) -> tuple[Description, ...]:
        """The landmarks of all statements, in order."""
        return tuple(mark for statement in self.statements for mark in statement.marks)


def describe_target(instruction: str) -> Description:
    """Parses the target of an instruction in any form: "get the blue cup", "bring me the cup next to the sink".

    Never fails: words that are not understood are ignored, and without a noun the whole text is the noun.
    """
    return parse(find_target(spelled_out(instruction)).phrase)


def spelled_out(instruction: str) -> str:
    """Replaces "that's" by "that is" and "in between" by "between"."""
    return re.sub(r"\bin between\b", "between", re.sub(r"\b(that|which)['’]s\b", r"\1 is", instruction))


def parse(phrase: str) -> Description:
    """Parses a noun phrase: "the left cup that is on the table"."""
    return _parse(" ".join(phrase.lower().replace(",", " ").split()), MAX_DEPTH)


def _parse(phrase: str, depth: int) -> Description:
    head, rest = _noun_end(PART_OF.sub("", phrase))
    description = _before_noun(head)
    framed = FRAMED.match(rest)
    if framed and _color(framed["color"]):
        return replace(description, color=_color(framed["color"]))
    framed = re.match(FRAMED.pattern.rstrip("$") + r"\s+", rest)
    if framed and _color(framed["color"]):
        description, rest = replace(description, color=_color(framed["color"])), rest[framed.end() :]
    behind = tuple(_statements(rest, depth))
    return _counted(replace(description, statements=(*description.statements, *behind)), head)


def _noun_end(phrase: str) -> tuple[str, str]:
    """Splits a phrase into the part up to its noun, and the clauses after it."""
    first = None
    for template in _templates():
        for match in template.begin.finditer(phrase):
            if match.start() > 0 and _has_noun(phrase[: match.start()]):
                first = match.start() if first is None else min(first, match.start())
                break
    framed = re.search(r" with (?:the|a|an) [a-z]+ frame\b", phrase)
    if framed and (first is None or framed.start() < first):
        first = framed.start()
    if first is None:
        return BEHIND_NOUN.sub(r"\1", phrase), ""
    return _without_relative(phrase[:first].strip()), phrase[first:].strip()


def _has_noun(text: str) -> bool:
    """Whether the text is more than an article; "one" counts as a noun here."""
    return re.sub(ARTICLE + "$", "", text.strip() + " ").strip() not in ("", "the", "a", "an")


def _without_relative(text: str) -> str:
    for word in words.RELATIVES:
        text = text.removesuffix(f" {word}")
    return text


@cache
def _prefixes() -> Mapping[str, str]:
    """Returns the statement that each word before a noun makes."""
    found = {word: name for name, said in words.SHORT_PREFIXES.items() for word in said}
    return found | {word: name for name, said in words.PREFIXES.items() for word in said}


@cache
def _patterns() -> Mapping[str, str]:
    return {word: name for name, said in words.PATTERN_NAMES.items() for word in said}


def _color(word: str) -> str | None:
    named = {other: name for name, said in words.COLOR_NAMES.items() for other in said}
    name = named.get(word, word)
    return name if name in words.COLORS else None


def _before_noun(text: str) -> Description:
    """Parses the words before the noun, and the noun: "the leftmost big blue striped cup"."""
    text = re.sub("^" + ARTICLE, "", text + " ").strip()
    found: list[Statement] = []
    color = pattern = None
    for said, name in _patterns().items():
        text, count = re.subn(rf"\b{said}\s+(?=\S)", "", text)
        pattern = name if count else pattern
    tokens = text.split()
    while len(tokens) > 1:
        if tokens[0] in _prefixes():
            found.append(Statement(_prefixes()[tokens[0]]))
        elif tokens[0] not in COUNTED:
            break
        tokens.pop(0)
    for i, word in enumerate(tokens[:-1]):
        named = _color(re.sub("-(?:framed|colored|coloured)$", "", word))
        if named is not None:
            color = named
            skipped = 2 if tokens[i + 1] in ("framed", "colored", "coloured") and i + 2 < len(tokens) else 1
            tokens = [*tokens[:i], *tokens[i + skipped :]]
            break
    return Description(" ".join(tokens), color, pattern, tuple(found))


def _counted(description: Description, head: str) -> Description:
    """Moves the number before a noun to the clause after it: "the third cup from the left"."""
    number = next((words.ORDINALS[word] for word in head.split() if word in words.ORDINALS), None)
    side = next((s for s in description.statements if s.name in ("second from left", "second from right")), None)
    if number is None or side is None:
        return description
    edge = side.name.removeprefix("second from ")
    names = {1: f"{edge}most", 2: side.name, 3: f"third from {edge}", 4: f"fourth from {edge}"}
    changed = tuple(Statement(names[number]) if s is side else s for s in description.statements)
    return replace(description, statements=changed)


# -- clauses -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Template:
    """One form of a statement: the words before its first landmark, and the number of landmarks."""

    name: str
    literal: str
    marks: int

    @property
    def begin(self) -> re.Pattern[str]:
        return _compiled(self.literal, self.marks)


@cache
def _compiled(literal: str, marks: int) -> re.Pattern[str]:
    said = re.escape(literal).replace("\\ ", r"\s+")
    behind = (
        rf"\s+(?={ARTICLE})"
        if marks
        else r"(?!\s+(?:of|side|hand)\b)(?=$|\s+(?:and|that|which)\b|\s+[a-z-]+\s+(?:to|of|from|the)\b)"
    )
    return re.compile(rf"(?<![\w-]){said}{behind}")


@cache
def _templates() -> Sequence[_Template]:
    """Returns all forms of statements, the longest first."""
    found = []
    for table in (words.CLAUSES, words.SHORT_CLAUSES):
        for name, said in table.items():
            for text in said:
                literal = text.split("{}", maxsplit=1)[0].strip()
                found.append(_Template(name, literal, text.count("{}")))
    return sorted(found, key=lambda template: (-len(template.literal), -template.marks))


def _statements(text: str, depth: int) -> Iterator[Statement]:
    """Yields the statements of the clauses after a noun."""
    while text:
        text = re.sub(r"^(?:and\s+|which\s+(?:is|are)\s+|just\s+|right\s+(?=next)|directly\s+)", "", text)
        template, match = _first_template(text)
        if template is None or match is None:
            text = text.split(" ", maxsplit=1)[1] if " " in text else ""  # skips a word that is part of no clause
            continue
        rest = text[match.end() :].strip()
        if template.marks == 0:
            yield Statement(template.name)
            text = rest
            continue
        marks, text = _landmarks(rest, template.marks, depth - 1)
        yield Statement(template.name, marks)


def _first_template(text: str) -> tuple[_Template | None, re.Match[str] | None]:
    """Returns the longest template at the beginning of a text, with or without "that is"."""
    for start in ("", *(f"{word} " for word in words.RELATIVES)):
        if text.startswith(start):
            for template in _templates():
                match = template.begin.match(text, len(start))
                if match is not None:
                    return template, match
    return None, None


def _landmarks(text: str, count: int, depth: int) -> tuple[tuple[Description, ...], str]:
    """Returns the landmarks at the beginning of a text, and the remaining text about the target."""
    found = []
    if count == 2:
        first, joint, text = text.partition(" and ")
        found.append(_parse(first, 0))
        if not joint:
            return tuple(found), ""
    for joint_end in (match for match in re.finditer(r"\s+and\s+", text)):
        if _first_template(text[joint_end.end() :])[0] is not None:
            own, rest = text[: joint_end.start()], text[joint_end.end() :]
            break
    else:
        own, rest = text, ""
    found.append(_parse(own, depth) if depth > 0 else replace(_parse(own, 0), statements=()))
    return tuple(found), rest
