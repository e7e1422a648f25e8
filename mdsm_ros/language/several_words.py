"""The words by which :mod:`mdsm_ros.language.several` tells one object from several. Tables only."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COUNTS = {"both": 2, "couple": 2, "two": 2, "three": 3, "four": 4, "five": 5}
COUNTS |= {"six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
SINGULAR_QUANTIFIERS = _words("every each")
"""With them a singular means several: "every cup"."""
QUANTIFIERS = frozenset(COUNTS) | _words("all several many few some most any number these those")
"""With them a plural means several, even one of :data:`ONE_OBJECT`: "both curtains"."""
ONE_OF = _words("one either none another pair set piece stack pile bunch")
"""Before "of" or a noun they pick one, or make one object of several."""
EVERYTHING = _words("everything anything")
PLACES = _words("on in inside under underneath beneath atop upon within")
"""What lies there is asked for by "everything on the table"; "everything off the table" is about the table."""
LIES = _words("that which is are lies lying sits sitting stands standing rests resting placed found of top the you see")
"""Words between "everything" and the place."""
ONE_PLACE = PLACES | _words("top floor wall")
"""Prepositions of one place: behind "on the table", "and the plate" is another target; behind "near", a landmark."""
HOLDS = _words("with has have having containing holding")
"""What follows them belongs to one object: "the bag with the strap and the buckle"."""

# -- plurals -----------------------------------------------------------------------------------------------------------

SINGULAR_ENDINGS = ("ss", "us", "is")
SINGULARS = _words("atlas bus canvas christmas gas lens news plus series texas this yes")
"""Singulars that end like plurals."""
PLURALS = _words("children dice feet men mice people teeth women")
"""Plurals that do not end in -s."""
NO_OBJECTS = _words("crumbs ears eyes feet fingerprints hands marks scratches smudges spots stains teeth")
"""Plurals that are part of one object, or dirt on it."""
PARTS = _words("contents doors drawers edges handles legs lids sides windows")
"""Before "of" they are part of one object: "the drawers of the dresser"."""
COLLECTIVES = _words(
    """china clothing clutter crockery cutlery dishware equipment food fruit furniture garbage glassware junk jewelry
    laundry litter luggage rubbish silverware stuff tableware trash"""
)
"""Nouns without a plural that mean several objects where they are counted: "all the furniture"."""
SPREAD_OUT = _words(
    """ceiling crowd dirt dust flock floor foliage grass gravel ground hair hay herd lawn mess mud pavement rice road
    row sand sky snow street traffic wall water"""
)
"""Singular nouns of what often shows in parts that lie apart: surfaces, substances and groups."""
ONE_OBJECT = _words(
    """binoculars blinds books boots cards clothes controls curtains drapes earphones eyeglasses flowers fries glasses
    gloves goggles headphones heels jeans keys leggings loafers lockers overalls pajamas pants pliers pumps sandals
    scales scissors shades shelves shoes shorts shutters skis slippers sneakers socks spectacles stairs steps sunglasses
    tights tissues tongs towels trousers tweezers"""
)
"""Plurals that are often said of one object: a pair, a set, or the homes' "stack of books"."""
