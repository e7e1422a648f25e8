"""The words of the homes' instructions, in the style of REVERIE's annotators.

Tables only. The keys of tables by category are names of ``OBJECTS``, ``FURNITURE`` and ``FIXTURES``; a category missing
in a table uses its own name and the entries for all categories.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mdsm_ros.homes.kinds.alike import LOOK_ALIKES
from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS, alike_by_name
from mdsm_ros.homes.kinds.library_kinds import names as library_names
from mdsm_ros.homes.kinds.objects import OBJECTS
from mdsm_ros.language.referring import words

NOUNS: dict[str, tuple[str, ...]] = {
    "mug": ("mug", "cup", "coffee mug", "coffee cup"),
    "bottle": ("bottle",),
    "lamp": ("lamp", "table lamp", "bedside lamp"),
    "floor lamp": ("floor lamp", "standing lamp", "tall lamp"),
    "radio": ("radio", "portable radio"),
    "clock": ("clock", "wall clock"),
    "plant": ("plant", "potted plant", "house plant"),
    "teddy bear": ("teddy bear", "teddy", "stuffed bear", "plush bear", "stuffed animal"),
    "tissue box": ("tissue box", "box of tissues", "tissue container"),
    "pillow": ("pillow", "throw pillow", "cushion"),
    "hanging towel": ("hanging towel", "hand towel"),
    "towel": ("folded towel", "towel"),
    "blanket": ("blanket", "folded blanket", "throw blanket"),
    "trash can": ("trash can", "trashcan", "garbage can", "waste basket", "rubbish bin", "trash bin"),
    "suitcase": ("suitcase", "travel case"),
    "shoes": ("shoes", "pair of shoes", "sneakers"),
    "picture": ("picture", "framed picture", "wall picture"),
    "photo": ("photo", "photograph", "framed photo"),
    "mirror": ("mirror", "wall mirror", "looking glass"),
    "jewelry box": ("jewelry box", "jewellery box", "trinket box"),
    "hat": ("hat",),
    "backpack": ("backpack", "rucksack", "school bag"),
    "purse": ("purse", "handbag", "hand bag"),
    "globe": ("globe", "world globe"),
    "trophy": ("trophy", "trophy cup"),
    "fan": ("fan", "electric fan", "table fan"),
    "ball": ("ball", "rubber ball", "toy ball"),
    "chair": ("chair", "dining chair", "wooden chair"),
    "office chair": ("office chair", "swivel chair", "desk chair", "computer chair"),
    "stool": ("stool", "footstool"),
    "armchair": ("armchair", "arm chair", "lounge chair", "sofa chair"),
    "sofa": ("sofa", "couch"),
    "coffee table": ("coffee table",),
    "side table": ("side table", "end table"),
    "tv stand": ("tv stand", "television stand", "tv cabinet"),
    "tv": ("tv", "television", "flat screen tv", "television screen"),
    "monitor": ("monitor", "computer monitor", "computer screen"),
    "laptop": ("laptop", "laptop computer", "notebook computer"),
    "shelf": ("shelf", "open shelf", "shelves"),
    "wardrobe": ("wardrobe", "tall wardrobe"),
    "nightstand": ("nightstand", "night stand", "bedside table", "night table"),
    "dresser": ("dresser", "chest of drawers"),
    "refrigerator": ("refrigerator", "fridge", "freezer"),
    "stove": ("stove", "cooker", "range"),
    "sink": ("sink", "washbasin", "wash basin", "basin"),
    "bathtub": ("bathtub", "bath tub", "tub", "bath"),
    "toilet": ("toilet", "commode"),
    "counter": ("counter", "countertop", "kitchen counter"),
    "rug": ("rug", "carpet", "mat"),
    "vase": ("vase", "flower vase", "urn"),
    "candle": ("candle",),
    "basket": ("basket", "wicker basket"),
    "laundry basket": ("laundry basket", "hamper", "laundry hamper"),
    "bucket": ("bucket", "pail"),
    "box": ("box", "storage box", "carton"),
    "jar": ("jar", "glass jar"),
    "canister": ("canister", "tin"),
    "teapot": ("teapot", "tea pot"),
    "kettle": ("kettle", "tea kettle"),
    "stack of books": ("stack of books", "pile of books", "books"),
    "book": ("book", "hardcover book"),
    "remote control": ("remote control", "remote", "tv remote"),
    "phone": ("phone", "telephone"),
    "statue": ("statue", "figurine", "statuette"),
    "sculpture": ("sculpture", "art piece"),
    "ottoman": ("ottoman", "pouf", "footrest"),
    "piano": ("piano", "upright piano"),
    "washing machine": ("washing machine", "washer", "clothes washer"),
    "dryer": ("dryer", "clothes dryer"),
    "microwave": ("microwave", "microwave oven"),
    "curtain": ("curtain", "curtains", "drapes", "window curtain"),
    "blinds": ("blinds", "window blinds"),
    "window": ("window",),
    "door": ("door",),
    "ceiling light": ("ceiling light", "overhead light", "ceiling lamp"),
    "chandelier": ("chandelier", "hanging chandelier"),
    "ceiling fan": ("ceiling fan", "overhead fan"),
    "wall lamp": ("wall lamp", "sconce", "wall sconce", "wall light"),
    "light switch": ("light switch", "lightswitch", "switch"),
    "radiator": ("radiator",),
    "heater": ("heater", "space heater", "electric heater"),
    "wall cabinet": ("wall cabinet", "hanging cabinet", "cupboard"),
    "cabinet": ("cabinet", "storage cabinet", "sideboard"),
    "range hood": ("range hood", "vent hood", "hood"),
    "vent": ("vent", "air vent", "duct"),
    "soap dispenser": ("soap dispenser", "soap pump"),
    "toilet paper": ("toilet paper", "toilet paper roll", "roll of toilet paper"),
    "paper towel": ("paper towel", "paper towels", "roll of paper towels", "paper towel roll"),
    "flowers": ("flowers", "bouquet of flowers", "bunch of flowers"),
    "vacuum cleaner": ("vacuum cleaner", "vacuum"),
    "table": ("table", "big table"),
    "bed": ("bed",),
    "fireplace": ("fireplace", "fire place", "hearth"),
}
"""Names of a kind; the first is the most usual."""

PROCEDURAL_NOUNS = dict(NOUNS)
"""Names that are true of procedural things: a "wooden chair" may be made of steel in the library."""

KNOWN = frozenset((*OBJECTS, *FURNITURE, *FIXTURES, *LIBRARY_KINDS))
LIBRARY_ONLY = tuple(kind for kind in LIBRARY_KINDS if not (kind in OBJECTS or kind in FURNITURE or kind in FIXTURES))
"""Kinds that have no procedural shape."""


def spoken_names(kind: str, of_library: bool) -> tuple[str, ...]:
    """Returns the names of a category; the first is the most common.

    Args:
        kind: Category of the object.
        of_library: Whether it is a model of the library.
    """
    if kind in LIBRARY_KINDS and (of_library or kind in LIBRARY_ONLY):
        return library_names(kind)
    return PROCEDURAL_NOUNS.get(kind, (kind,))


for _kind in LIBRARY_KINDS:
    NOUNS[_kind] = tuple(dict.fromkeys((*NOUNS.get(_kind, ()), *library_names(_kind))))

ALIKE_GROUPS: tuple[frozenset[str], ...] = (
    frozenset({"picture", "photo", "mirror", "whiteboard"}),
    frozenset({"chair", "armchair", "office chair"}),
    frozenset({"stool", "ottoman", "bench"}),
    frozenset({"lamp", "floor lamp"}),
    frozenset({"ceiling light", "chandelier"}),
    frozenset({"fan", "ceiling fan"}),
    frozenset({"table", "coffee table", "side table", "desk", "vanity", "pool table"}),
    frozenset({"cabinet", "dresser", "nightstand", "tv stand", "filing cabinet", "vanity", "counter"}),
    frozenset({"wall cabinet", "cabinet"}),
    frozenset({"washing machine", "dryer", "stove"}),
    frozenset({"microwave", "toaster"}),
    frozenset({"bed", "crib"}),
    frozenset({"tv", "monitor", "laptop"}),
    frozenset({"vase", "jar", "canister"}),
    frozenset({"plant", "flowers"}),
    frozenset({"bottle", "soap dispenser"}),
    frozenset({"book", "stack of books", "box"}),
    frozenset({"box", "jewelry box", "tissue box"}),
    frozenset({"basket", "laundry basket", "bucket", "trash can"}),
    frozenset({"purse", "backpack"}),
    frozenset({"towel", "hanging towel", "blanket", "hanging shirt"}),
    frozenset({"mug", "bowl", "wine glass", "trophy"}),
    frozenset({"plate", "bowl", "pan"}),
    frozenset({"kettle", "teapot"}),
    frozenset({"statue", "sculpture", "trophy"}),
    frozenset({"clock", "alarm clock"}),
    frozenset({"candle", "candlestick"}),
    frozenset({"shoes", "boots"}),
    frozenset({"apple", "ball", "fruit bowl"}),
    frozenset({"bowl", "fruit bowl"}),
    frozenset({"radiator", "heater"}),
    frozenset({"curtain", "blinds"}),
    frozenset({"light switch", "thermostat"}),
    frozenset({"heater", "fan", "speaker"}),
    frozenset({"radio", "speaker"}),
    frozenset({"phone", "remote control"}),
    frozenset({"toilet paper", "paper towel"}),
    frozenset({"wardrobe", "refrigerator"}),
    frozenset({"lamp", "lantern"}),
    frozenset({"table", "kitchen island"}),
    frozenset({"counter", "kitchen island"}),
    frozenset({"toy car", "ball"}),
    frozenset({"plant", "tree"}),
    frozenset({"bench", "coffee table", "tv stand"}),
    frozenset({"whiteboard", "picture"}),
    frozenset({"picture", "photo"}),
    frozenset({"bucket", "trash can"}),
    frozenset({"wall lamp", "lamp"}),
    frozenset({"ceiling light", "wall lamp"}),
    frozenset({"vent", "radiator"}),
    frozenset({"shower", "bathtub"}),
    frozenset({"statue", "mask"}),
    frozenset({"blender", "kettle"}),
    frozenset({"printer", "microwave"}),
    frozenset({"keyboard", "laptop"}),
    frozenset({"blanket", "pillow"}),
    frozenset({"box", "suitcase"}),
    frozenset({"umbrella", "floor lamp"}),
    frozenset({"candle", "lantern"}),
    frozenset({"range hood", "vent"}),
    frozenset({"sofa", "armchair"}),
    frozenset({"cutting board", "book"}),
    frozenset({"tv stand", "side table"}),
    frozenset({"stool", "side table"}),
)
"""Kinds that a listener may take for each other: a sentence about one never rests on another's not being it."""


def _joined(groups: Iterable[frozenset[str]], start: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    alike = dict(start)
    for group in groups:
        known = group & KNOWN  # the library's table may lack categories
        for kind in known:
            alike[kind] = alike.get(kind, frozenset()) | (known - {kind})
    return alike


PROCEDURAL_ALIKE: dict[str, frozenset[str]] = _joined(ALIKE_GROUPS, {})
"""Of each kind those that look like it, as procedural shapes."""

ALIKE: dict[str, frozenset[str]] = _joined((*ALIKE_GROUPS, *LOOK_ALIKES), alike_by_name(NOUNS))
"""Of each kind those that look like it or share a name with it, in rooms that are furnished from the library."""

COLOR_NAMES, PATTERN_NAMES, SIZE_NAMES = words.COLOR_NAMES, words.PATTERN_NAMES, words.SIZE_NAMES

FRAMED = frozenset({"picture", "photo", "mirror", "window"})
"""Kinds whose colour is that of their frame."""

ADJECTIVES: dict[str, tuple[str, ...]] = {
    "book": ("closed", "thick"),
    "wine glass": ("empty", "tall"),
    "bottle": ("tall", "closed"),
    "vase": ("decorative", "ceramic"),
    "plant": ("green", "leafy"),
    "candle": ("wax", "scented"),
    "statue": ("decorative",),
    "towel": ("clean", "dry", "fresh"),
    "hanging towel": ("clean", "dry"),
    "blanket": ("warm", "soft", "cozy"),
    "pillow": ("soft", "fluffy", "square"),
    "sofa": ("comfortable", "long", "soft"),
    "armchair": ("comfortable", "soft"),
    "bathtub": ("long", "shiny"),
    "toilet": ("porcelain",),
    "refrigerator": ("tall",),
    "wardrobe": ("tall",),
    "bed": ("comfortable", "wide"),
    "rug": ("rectangular", "flat"),
    "clock": ("round", "circular"),
    "plate": ("round", "ceramic"),
    "bowl": ("round",),
    "ball": ("round", "bouncy"),
    "globe": ("round", "spinning"),
    "trophy": ("shiny",),
    "basket": ("woven",),
    "box": ("rectangular",),
    "mirror": ("shiny",),
    "curtain": ("long", "draped"),
}
"""What is true of every thing of the kind; said now and then, never to tell two things apart."""
