"""The words by which :mod:`mdsm_ros.language.target_phrase` finds its way through an instruction. Tables only.

English has few function words, so those are listed whole; verbs are those that people say to household robots, and a
verb that is missing is still found before a determiner. Nouns are not listed, except rooms and what says nothing of its
own ("the color of", "a pair of").
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOPS = frozenset(".;:!?")
BREAKS = STOPS | frozenset(",()")

# -- words before a noun -----------------------------------------------------------------------------------------------

DEMONSTRATIVES = _words("this that these those")
INDEFINITE = _words("a an some any another")
"""What they begin is new to the listener: "put a candle in the holder" is about the holder."""
ARTICLES = INDEFINITE | _words(
    """the my your his her our their its all both each every either no many several few two three four five six seven
    eight nine ten"""
)
DETERMINERS = ARTICLES | DEMONSTRATIVES
QUANTITIES = _words(
    """one ones two three four five all both each any some most either none several few many pair set couple bunch stack
    pile group number piece"""
)
"""Before "of" they count what follows: "the pair of shoes" is about shoes."""
ATTRIBUTES = _words(
    """color colour colors material appearance temperature brightness volume position condition shape size pattern level
    state contents rest top bottom inside outside interior exterior surface front back side edge corner middle
    center centre end part parts underside order pressure accuracy cleanliness"""
)
"""Before "of" they are sides or properties of what follows: "the color of the vase" is about the vase."""
ADJECTIVES = _words(
    """black white red green blue yellow orange purple violet pink brown gray grey beige tan cream gold golden silver
    bronze copper dark light clear large big small little tall short long round square old new wooden metal top
    bottom left right upper lower"""
)
"""Those that "and" may join before a noun: "the black and white towel"."""
SIDES = _words(
    """left right top bottom center middle closest nearest closer nearer furthest farthest further farther leftmost
    rightmost highest lowest near close next first second third fourth fifth last back most adjacent opposite
    open shut clean straight forward backward"""
)
"""They stand before a noun ("the closest chair") or after it ("the chair closest to you")."""

# -- words that end a noun phrase --------------------------------------------------------------------------------------

PARTICLES = _words("off on up down out in away back over around aside apart open shut clean straight")
PREPOSITIONS = (PARTICLES - SIDES) | _words(
    """of to at by from with without into onto inside outside within under underneath beneath below above atop behind
    beside besides between among across along against through throughout toward towards past opposite beyond upon
    about via per except facing overlooking than"""
)
RELATIVES = _words("that which who whom whose where")
AUXILIARIES = _words(
    """is are was were be been being am has have had do does did could will would shall should may might must needs need
    looks isn't aren't doesn't don't it's that's thats there's requires"""
)
PASSIVES = _words("should must needs need requires ought")
"""A noun before them is what the robot shall deal with: "the lamp should be switched off"."""
CLAUSES = _words("if whether")
QUESTIONS = _words("what what's which how where where's who who's when why")
SUBJECTS = _words("i we you he she it they who that which")
PRONOUNS = SUBJECTS - RELATIVES | _words("them itself themselves yourself one ones me us him")
VAGUE = _words("everything anything something nothing everyone anyone")
ADVERBS = _words(
    """please kindly also just now again there here very then too so not sure upstairs downstairs outdoors indoors ahead
    directly slightly know together else hey hi hello ok okay robot"""
)
ENDINGS = _words(
    """for so until till before after because since when while if unless please then like as would could you how i we
    what but once twice"""
)
"""What follows them tells of the task, not of the target."""
CONJUNCTIONS = _words("and or but nor")
FUNCTION = frozenset[str]().union(
    PREPOSITIONS, RELATIVES, AUXILIARIES, CLAUSES, QUESTIONS, PRONOUNS, VAGUE, ADVERBS, ENDINGS, CONJUNCTIONS, BREAKS
)
PARTICIPLES = _words("hung seen kept set built lit shown held found laid taken broken put given thrown drawn worn")
"""Participles that do not end in -ed or -ing."""
NO_PARTICIPLES = _words(
    """bed shed red seed weed sled hundred ceiling railing painting building molding moulding landing clothing drawing
    lighting carving ring string thing king wing flooring paneling panelling dressing setting seating covering
    awning opening stocking bedding earring swing spring fitting plumbing wiring"""
)
"""Nouns that end in -ed or -ing."""
NO_ADVERBS = _words("family butterfly fly jelly assembly belly teddy")

# -- relations that tell things apart, and places that do not ----------------------------------------------------------

RELATIONAL = SIDES | _words(
    """connected attached perpendicular parallel leading leads lead belonging corresponding identical similar up down
    over facing turned"""
)
"""What "to" may follow within a description: "next to", "closest to", "attached to"."""
ROOMS = _words(
    """room rooms bedroom bathroom kitchen kitchenette lounge hallway hall corridor foyer entryway entrance entranceway
    lobby office study den closet balcony porch patio terrace deck garage basement attic pantry laundryroom
    familyroom livingroom diningroom mudroom washroom restroom spa sauna gym library workspace nursery bath area
    house home staircase stairs stairway stairwell landing level floor garden backyard yard theater suite bar"""
)
LEVELS = _words("level storey story")
INSTRUMENTS = _words(
    "cloth rag brush soap water cleaner sponge polish duster vacuum mop broom hand hands towel wipes detergent bleach"
)
"""Things to clean with: "with a damp cloth" says nothing of the target."""
UNITS = _words("degrees degree inches inch cm centimeters feet foot meters metres times minutes percent")

# -- objects that are not the target -----------------------------------------------------------------------------------

DIRT = VAGUE | _words(
    "dust dirt moisture stain stains crumbs mess grime scratches fingerprints smudges cobwebs spill scum marks"
)
"""What is to be gone; the target is where it is: "wipe the dust off the shelf"."""
SETTINGS = _words("volume temperature heat brightness speed time water")
"""Before a preposition they are about what follows: "the temperature on the thermostat"."""
WAYS = _words("way haste headway")
"""With them a verb is a motion: "make your way to"."""
GLANCES = _words("look seat peek glance care note")
PICTURES = _words("photo photograph picture")
"""With an indefinite article both are part of the verb: "take a look at", "take a picture of"."""

# -- verbs -------------------------------------------------------------------------------------------------------------

DEPARTURES = _words("exit leave")
MOTIONS = _words(
    """go got walk enter head proceed travel navigate journey venture visit advance trek progress come step run wander
    roam access stroll maneuver continue climb traverse mosey trot hightail relocate hurry approach pass face follow
    stand stop wait patrol drive roll ascend descend cross return move get turn use stay start"""
)
"""Verbs that bring the robot somewhere."""
MOTION_OR_TASK = _words("move get return turn run roll relocate pass start stop")
"""Motions only before a way: "move to the hall", but "move the chair"."""
PERCEPTIONS = _words(
    """check tell see observe determine ensure verify find locate search notice let confirm count look make watch
    identify spot"""
)
"""Verbs whose object is the target only where nothing is to be done to another thing."""
PLACEMENTS = _words("put place set hang lay leave stick throw drop insert")
TASKS = PLACEMENTS - DEPARTURES | _words(
    """make get bring fetch take grab pick pickup hand give pass carry retrieve collect remove move relocate lift
    replace interact jump wave bash rip smash break center grip punch apply unblock gather increase decrease
    reduce flick scoot trade relax swipe peek readjust pose rearrange reach hold deliver touch select change
    destroy keep turn wipe clean dust polish scrub wash disinfect sanitize inspect examine measure point admire
    fix repair gaze describe cover paint switch dim open close shut lock unlock unplug plug straighten smooth
    shake tidy sit rest lie push pull drag rotate slide adjust level reposition empty refill fill restock water
    trim spray read fold unfold refold flush unclog load unload start stop defrost organize organise draw lower
    raise vacuum sweep mop roll fluff flip light blow answer charge play tune spin drain tighten loosen tear
    knock grasp press toggle dry rinse toss tell inventory return stack sort arrange clear swap exchange wind
    activate deactivate operate check calibrate preheat reset feed cut stock store attach install mount unscrew
    screw tilt twist squeeze shine sanitise declutter wrap pack unpack hide show have want need like lean perch
    kick hit ring strum pour drink eat cook heat cool warm bend stretch kneel look peer stare view smell listen
    buff prop iron steam plump pat brush swing tap test photograph snap run"""
)
"""Verbs whose object is the target."""
VERBS = DEPARTURES | MOTIONS | PERCEPTIONS | TASKS
NOUN_VERBS = _words(
    """light water dust paint hand face head level switch cover place rest play hold iron stock store fix step stand use
    change measure draw fold start stop run pass drive lock plug mount screw load check hang roll stack view
    press brush center break jump wave rip swing tap test heat mop vacuum polish sweep walk look show return drop
    cut tear trim shine wind tune charge answer spray dry open close clean clear empty cool warm need want find
    have set pack ring wrap count search watch spot note access visit progress journey travel trek drain lower
    smell drink shut tilt spin twist point touch exit steam pat kick hit bend stretch lean"""
)
"""Verbs that are also nouns, adjectives or auxiliaries; within a sentence they need an object that begins like one."""
LEADS = _words("and then to please also now just or so kindly must should robot go will i we simply quickly")
"""Words after which a verb is an order."""

# -- unions that the parser asks for at every word ---------------------------------------------------------------------

WITHIN_NOUN = PREPOSITIONS | ADVERBS
OBJECT_BEGINS = DETERMINERS | VAGUE | _words("it them me us him")
QUESTION_BEGINS = CLAUSES | QUESTIONS
BEFORE_OBJECT = PREPOSITIONS | PARTICLES | SIDES | ATTRIBUTES | {"for"}
NO_ORDER_AFTER = (FUNCTION - ADVERBS - PARTICLES - PRONOUNS) | SUBJECTS | DETERMINERS | SIDES | {"in", "on"}
NO_UNKNOWN_VERB = FUNCTION | DETERMINERS | SIDES | ROOMS
ORDER_BEGINS = TASKS | MOTIONS | {"please", "i"}
