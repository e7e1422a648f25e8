"""Nouns, articles and pronouns of the homes' instructions, in the singular and in the plural."""

from __future__ import annotations

import re

from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS
from mdsm_ros.language.several import is_plural as has_plural_form

_IRREGULAR = {"man": "men", "woman": "women", "person": "people", "child": "children", "mouse": "mice"}
_IRREGULAR |= {"knife": "knives", "shelf": "shelves", "loaf": "loaves", "scarf": "scarves", "gentleman": "gentlemen"}
_UNCOUNTED = {"art", "artwork", "bread", "butter", "clothing", "firewood", "football", "furniture", "garbage"}
_UNCOUNTED |= {"laundry", "lighting", "luggage", "meat", "milk", "money", "paper", "salt", "soap", "soccer", "tissue"}
_IDIOMS = r"(?<!about )(?<!else as )"
_PRONOUNS: tuple[tuple[str, str], ...] = (
    (r"\bit's\b", "they're"),
    (r"\bit is\b", "they are"),
    (_IDIOMS + r"\bit was\b", "they were"),
    (r"\bit (look|work|shine|belong|need)s\b", r"they \1"),
    (r"\bit (can|got)\b", r"they \1"),
    (r"\bits\b", "their"),
    (_IDIOMS + r"\bit\b(?! was)", "them"),
)
"""What is said of one thing, and of several; not in "be quick about it" and "leave everything else as it was"."""


def with_pronoun(verb: str, pronoun: str) -> str:
    """Adds a pronoun to a verb: "wipe it off", not "wipe off it"; "bring it to me", not "bring me it"."""
    verb = re.sub(r"^(\w+) (off|down|up|out|on|in|away|back|aside) \{\}$", r"\1 {} \2", verb)
    return re.sub(r"^(bring|hand|pass|give|fetch|show|get) me \{\}$", r"\1 {} to me", verb).format(pronoun)


def article(noun: str) -> str:
    """Adds the indefinite article to a noun."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def plural(noun: str) -> str:
    """Returns the plural of a one-word noun."""
    known = LIBRARY_KINDS.get(noun)
    if known is not None and known.plural:
        return known.plural
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("shelf"):
        return noun[:-1] + "ves"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"


def plural_name(name: str) -> str | None:
    """Returns the plural of a category's name, which may be several words; None if it has no plural.

    Examples: "stacks of books", "coffee tables"; None for "shoes", which already means one pair, and for "toilet
    paper".
    """
    first, of, rest = name.partition(" of ")
    *before, head = first.split()
    if " with " in name or " and " in name or head in _UNCOUNTED:
        return None
    known = LIBRARY_KINDS.get(name)
    if known is not None and known.plural:
        return known.plural if known.plural != name else None
    if has_plural_form(head):
        return None
    return " ".join([*before, _IRREGULAR.get(head) or plural(head)]) + of + rest


def in_plural(text: str) -> str:
    """Converts text about one item to text about several: "and bring them to me", "because they are dirty"."""
    for pattern, said in _PRONOUNS:
        text = re.sub(pattern, said, text)
    return text
