"""The words of the homes' instructions, in the manner of REVERIE's annotators.

Tables only. The keys of tables by kind are names of ``OBJECTS``, ``FURNITURE`` and ``FIXTURES``; a kind that a table
lacks goes by its own name and takes what fits all kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mdsm_ros.homes.fixtures import FIXTURES
from mdsm_ros.homes.furnishing.alike import LOOK_ALIKES
from mdsm_ros.homes.furnishing.kinds import LIBRARY_KINDS, alike_by_name
from mdsm_ros.homes.furnishing.kinds import names as library_names
from mdsm_ros.homes.furniture import FURNITURE
from mdsm_ros.homes.objects import OBJECTS

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
    "stool": ("stool", "footstool", "bar stool"),
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

LIBRARY_ONLY = tuple(kind for kind in LIBRARY_KINDS if not (kind in OBJECTS or kind in FURNITURE or kind in FIXTURES))
"""Kinds that have no procedural shape."""


def spoken_names(kind: str, of_library: bool) -> tuple[str, ...]:
    """Names to call a thing by; the first is the most usual.

    Args:
        kind: of the thing.
        of_library: it is a model of the library.
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
    frozenset({"bench", "coffee table"}),
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
        for kind in group:
            alike[kind] = alike.get(kind, frozenset()) | (group - {kind})
    return alike


PROCEDURAL_ALIKE: dict[str, frozenset[str]] = _joined(ALIKE_GROUPS, {})
"""Of each kind those that look like it, as procedural shapes."""

ALIKE: dict[str, frozenset[str]] = _joined((*ALIKE_GROUPS, *LOOK_ALIKES), alike_by_name(NOUNS))
"""Of each kind those that look like it or share a name with it, in rooms that are furnished from the library."""

COLOR_NAMES: dict[str, tuple[str, ...]] = {"gray": ("gray", "grey"), "purple": ("purple", "violet")}
PATTERN_NAMES: dict[str, tuple[str, ...]] = {
    "striped": ("striped",),
    "checkered": ("checkered", "checked", "plaid"),
    "dotted": ("dotted", "polka dot", "spotted"),
    "floral": ("floral", "flowered", "flower patterned"),
}
SIZE_NAMES: dict[str, tuple[str, ...]] = {"big": ("big", "large"), "small": ("small", "little")}

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

ROOM_NAMES: dict[str, tuple[str, ...]] = {
    "bedroom": ("bedroom", "bedroom", "guest bedroom", "master bedroom", "spare room"),
    "living room": ("living room", "living room", "livingroom", "lounge", "sitting room", "sitting area"),
    "kitchen": ("kitchen", "kitchen", "kitchenette", "kitchen area"),
    "bathroom": ("bathroom", "bathroom", "washroom", "restroom"),
    "office": ("office", "office", "study", "home office", "workspace"),
    "dining room": ("dining room", "dining room", "dining area", "dinning room"),
    "laundry room": ("laundry room", "laundry room", "laundryroom", "utility room", "mudroom"),
    "hallway": ("hallway", "hallway", "hall", "corridor", "foyer", "entryway", "entrance hall"),
    "family room": ("family room", "family room", "familyroom", "den", "rec room"),
    "gym": ("gym", "exercise room", "workout room", "fitness room"),
    "nursery": ("nursery", "baby's room", "kid's room"),
}

LEVELS = (
    "on level 1",
    "on level 2",
    "on level 3",
    "on the first floor",
    "on the second floor",
    "on the third floor",
    "on the ground floor",
    "on the first level",
    "on the second level",
    "on the top floor",
    "on the lower level",
    "upstairs",
    "downstairs",
    "in the basement",
    "on the upper floor",
    "on level one",
    "on level two",
)

PLACES = (
    "at the end of the hallway",
    "at the top of the stairs",
    "at the bottom of the stairs",
    "at the foot of the staircase",
    "at the far end of the main corridor",
    "at the top of the colorful stairway",
    "next to the balcony",
    "next to the outdoor fountain",
    "next to the room with the pool table",
    "next to the bedroom with the zebra pictures",
    "next to the bathroom with the golden faucet",
    "next to the room with two sinks and a raised tub",
    "next to the closet with the clothes hangers",
    "next to the hall with the large tree",
    "across from the meeting room",
    "across from the portrait of the woman in the red dress",
    "across from the painting of a horse",
    "across the hall from the closet",
    "by the entrance",
    "by the railing",
    "by the christmas tree",
    "by the marble pillar",
    "by the fire extinguisher",
    "near the front door",
    "near the back door",
    "near the hammock on the porch",
    "near the fish tank",
    "near the metal gate",
    "to the left of the staircase",
    "to the right of the elevator",
    "connected to the hallway",
    "connected to the master suite",
    "adjacent to the guest bedroom",
    "adjacent to the bedroom with the striped wallpaper",
    "adjoining the bedroom with twin beds",
    "closest to the front entrance",
    "closest to the outdoor deck",
    "opposite the library",
    "opposite the men's bathroom",
    "opposite the women's bathroom",
    "opposite the room with the treadmill and the exercise bike",
    "off the foyer",
    "off the tiled hallway",
    "overlooking the garden",
    "overlooking the swimming pool",
    "overlooking the lake and the mountains",
    "leading to the porch",
    "that leads out to the patio",
    "that leads to the fire place",
    "beyond the archway",
    "beyond the stone column",
    "beyond the glass panel",
    "farthest from the stairway",
    "furthest from the fountain",
    "past the spa",
    "past the hockey table",
    "past the row of framed photos",
    "past the hallway with dark wood floors",
    "past the room with the leather couches",
    "past the cubby with the coats",
    "nearest to the terrace",
    "nearest to the sauna and the massage table",
    "beside the game room",
    "beside the alcove with the statue of a bird",
    "directly above the garage",
    "behind the stairs",
    "behind the bar with the stools",
    "through the double doors",
    "through the doorway on the right",
    "through the sliding glass door",
    "through the arch on your left",
    "around the corner",
    "around the corner from the wine cellar",
    "down the hall",
    "down the corridor",
    "down the steps",
    "down the hall from the classroom",
    "in the west wing",
    "in the same hallway as the laundry room",
    "two doors down from the stair landing",
    "three steps up from the lobby",
    "just outside the theater",
    "on the other side of the house",
    "on the other side of the wall from the kitchen",
    "in the middle of the house",
    "facing the backyard",
    "facing the street",
    "facing the palm trees",
    "between the office and the stairs",
    "between the two bedrooms",
    "with the only door that is closed",
    "attached to the bedroom with the guitars on the wall",
    "attached to the room with the mirrored closet",
    "surrounded by hallways",
    "up the stairs and to the left",
    "up the steps from the entryway",
    "under the skylight",
    "below the attic",
    "that has the number eight on its door",
    "that is the second room on the right",
    "that is the third room from the stairs",
    "that is the fourth room past the elevator",
    "that is the first door on your left",
    "that is the last room on the left",
    "that is the smaller of the two",
    "that is the larger one of both",
    "that is closer to the stairs",
    "you can see from the front entry",
    "you pass before the landing",
    "where the party was last night",
)
"""Where a room lies, told by what is outside it, so that nothing in a view can contradict it."""

WALLS = (
    "with {wall} walls",
    "with the {wall} walls",
    "that has {wall} walls",
    "with the {wall} colored walls",
    "that is painted {wall}",
)
FLOORS: dict[str, tuple[str, ...]] = {
    "planks": ("with a wood floor", "with the wooden floor", "with hardwood flooring"),
    "parquet": ("with a wood floor", "with the parquet floor"),
    "tiles": ("with a tile floor", "with the tiled floor", "with square tiles on the floor"),
    "carpet": ("with carpet on the floor", "with the carpeted floor"),
    "stone": ("with a marble floor", "with the stone floor", "with the marble tiles"),
}
"""What is said of a room's floor, by its material."""

GO = (
    "go to",
    "go to",
    "go to",
    "go to",
    "go into",
    "walk to",
    "walk into",
    "walk over to",
    "head to",
    "head into",
    "head over to",
    "proceed to",
    "move to",
    "enter",
    "travel to",
    "navigate to",
    "journey to",
    "venture to",
    "make your way to",
    "visit",
    "advance to",
    "go over to",
    "go in",
    "trek to",
    "progress to",
    "return to",
    "come to",
    "get to",
    "find",
    "locate",
    "step into",
    "run to",
    "wander to",
    "access",
    "go back to",
    "stroll to",
    "maneuver to",
    "continue to",
    "exit to",
    "climb up to",
    "go straight ahead to",
    "traverse to",
    "walk forward into",
    "follow the hall to",
    "use the stairs and go to",
    "leave this room and go to",
    "make a left turn and enter",
    "turn around and go to",
    "mosey to",
    "trot over to",
)

FETCH = (
    "get {}",
    "fetch {}",
    "fetch me {}",
    "bring me {}",
    "bring me {}",
    "bring {}",
    "pick up {}",
    "grab {}",
    "hand me {}",
    "take {}",
    "retrieve {}",
    "find {}",
    "collect {}",
    "remove {}",
    "move {}",
    "relocate {}",
    "lift {}",
    "get me {}",
    "give me {}",
    "take away {}",
    "carry {}",
    "pass me {}",
    "pick {} up",
    "put away {}",
    "throw out {}",
    "replace {}",
    "rearrange {}",
    "reach for {}",
    "hold {}",
    "deliver {}",
    "touch {}",
    "go get {}",
    "select {}",
    "change the position of {}",
    "destroy {}",
    "pick out {}",
    "set aside {}",
    "keep {} in your hands",
    "turn {} to face the wall",
)

CLEAN = (
    "clean {}",
    "clean {}",
    "clean off {}",
    "wipe {}",
    "wipe off {}",
    "wipe down {}",
    "dust {}",
    "dust off {}",
    "polish {}",
    "scrub {}",
    "wash {}",
    "disinfect {}",
    "sanitize {}",
)

APPROACH = (
    "inspect {}",
    "check {}",
    "check on {}",
    "look at {}",
    "examine {}",
    "walk up to {}",
    "stand next to {}",
    "take a photo of {}",
    "tell me about {}",
    "move closer to {}",
    "point to {}",
    "point at {}",
    "stop in front of {}",
    "wait by {}",
    "look for {}",
    "admire {}",
    "fix {}",
    "repair {}",
    "measure {}",
    "count the scratches on {}",
    "show me {}",
    "gaze at {}",
    "describe {}",
    "determine the color of {}",
    "try to reach {}",
    "put a sign on {}",
    "place a letter on {}",
    "set this magazine on {}",
    "cover {}",
    "paint {}",
)

SWITCH = (
    "turn on {}",
    "turn off {}",
    "switch on {}",
    "switch off {}",
    "turn {} on",
    "turn {} off",
    "unplug {}",
    "plug in {}",
)
OPEN = ("open {}", "close {}", "shut {}", "open up {}", "look inside {}", "lock {}")
SOFT = ("straighten {}", "smooth out {}", "shake out {}", "tidy up {}", "rearrange {}")
SIT = ("sit on {}", "have a seat on {}", "rest on {}", "take a seat on {}")
PUSH = ("push in {}", "pull out {}", "move {}", "push {} back", "drag {} away", "rotate {}", "turn {} around")
HANG = ("straighten {}", "adjust {}", "take down {}", "level {}", "reposition {}", "hang {} straight")
FILL = ("empty {}", "refill {}", "fill {}", "fill up {}", "restock {}")
WATER = ("water {}", "trim {}", "spray {}")
READ = ("read {}", "open {}", "close {}")
FOLD = ("fold {}", "unfold {}", "refold {}", "wash {}", "hang up {}")
FLUSH = ("flush {}", "close the lid of {}", "scrub the bowl of {}", "unclog {}", "clean the seat of {}")
TAP = (
    "turn on {}",
    "turn off {}",
    "rinse out {}",
    "turn the water on in {}",
    "fill {} with water",
    "run the tap of {}",
)
DRAWER = (
    "open the top drawer of {}",
    "open the drawers of {}",
    "close the doors of {}",
    "look inside {}",
    "organize {}",
)

VERBS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "lamp",
            "floor lamp",
            "ceiling light",
            "chandelier",
            "ceiling fan",
            "wall lamp",
            "light switch",
            "heater",
            "fan",
        ),
        (*SWITCH, "dim {}"),
    ),
    **dict.fromkeys(("tv", "monitor", "radio", "speaker", "laptop"), (*SWITCH, "turn down the volume of {}")),
    **dict.fromkeys(("microwave", "toaster", "kettle", "stove"), (*SWITCH, "clean the inside of {}")),
    **dict.fromkeys(("washing machine", "dryer"), (*SWITCH, *OPEN, "load {}", "unload {}", "start {}")),
    **dict.fromkeys(("door", "window"), (*OPEN, "clean the glass of {}", "knock on {}", "grasp the handle of {}")),
    **dict.fromkeys(("curtain", "blinds"), (*OPEN, "pull back {}", "draw {}", "lower {}")),
    **dict.fromkeys(("refrigerator", "wall cabinet", "wardrobe"), (*OPEN, "defrost {}", "organize {}")),
    **dict.fromkeys(("cabinet", "dresser", "nightstand", "desk", "filing cabinet", "vanity"), DRAWER),
    **dict.fromkeys(("sofa", "armchair", "bench", "bed"), (*SIT, "vacuum {}", "make {}")),
    **dict.fromkeys(("chair", "office chair", "stool", "ottoman"), (*SIT, *PUSH)),
    **dict.fromkeys(("picture", "photo", "mirror", "clock", "wreath"), HANG),
    **dict.fromkeys(("plant", "flowers"), WATER),
    **dict.fromkeys(
        ("trash can", "bucket", "laundry basket", "basket"), ("empty {}", "empty out {}", "replace the bag in {}")
    ),
    **dict.fromkeys(("soap dispenser", "bottle", "jar", "canister", "vase", "tissue box"), FILL),
    **dict.fromkeys(("toilet paper", "paper towel"), ("replace {}", "tighten {}", "tear off some of {}")),
    **dict.fromkeys(("towel", "hanging towel", "blanket"), (*FOLD, *SOFT)),
    **dict.fromkeys(("pillow",), ("fluff {}", "fluff up {}", "flip {} over", *SOFT)),
    **dict.fromkeys(("rug",), ("vacuum {}", "sweep {}", "straighten {}", "roll up {}", "shake out {}")),
    **dict.fromkeys(("book", "stack of books"), READ),
    **dict.fromkeys(("candle", "candlestick", "fireplace"), ("light {}", "blow out {}", "put out {}")),
    **dict.fromkeys(("alarm clock",), ("set {}", "wind {}")),
    **dict.fromkeys(("phone",), ("answer {}", "hang up {}", "charge {}")),
    **dict.fromkeys(("guitar", "piano"), ("play {}", "tune {}")),
    "globe": ("spin {}", "rotate {}"),
    "toilet": FLUSH,
    "sink": TAP,
    "bathtub": (*TAP, "drain {}"),
    "shower": (*TAP, "clean the drain of {}"),
    "thermostat": ("adjust {}", "check the temperature on {}", "turn up {}"),
    "radiator": ("turn up {}", "turn down {}", "check the temperature of {}"),
}
"""What one asks a robot to do with things of a kind, beside fetching and cleaning them; ``{}`` is the thing."""

TABLEWARE = ("set the table with {}", "rinse {}", "wash {}", "dry {}")
VERBS |= dict.fromkeys(("plate", "bowl", "mug", "wine glass", "teapot", "pan"), TABLEWARE)

MEET = ("greet {}", "say hello to {}", "talk to {}", "follow {}", "wait for {}", "ask {} what is needed", "help {}")
CARE = ("feed {}", "pet {}", "follow {}", "play with {}", "look after {}", "watch {}")
EAT = ("serve {}", "cut {}", "taste {}", "put {} on a plate", "cover {}")
RIDE = ("move {} out of the way", "push {}", "fold up {}", "park {}", "lock {}")
PLAY = ("play with {}", "put {} back in its place", "pick up {}", "tidy up {}")
PLUG = ("plug a charger into {}", "check {}", "inspect {}", "test {}")

LIBRARY_VERBS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("man", "woman", "boy", "girl"), MEET),
    **dict.fromkeys(("cat", "dog", "rabbit"), CARE),
    "aquarium": ("clean the glass of {}", "feed the fish in {}", "look into {}"),
}
"""What is asked about living things, and nothing else."""

_BY_GROUP: dict[str, tuple[str, ...]] = {
    "lighting": (*SWITCH, "dim {}"),
    "electronics": SWITCH,
    "plant": WATER,
    "food": EAT,
    "clothing": FOLD,
    "textile": (*FOLD, *SOFT),
    "toy": PLAY,
    "tableware": ("rinse {}", "wash {}", "dry {}"),
}
_BY_KIND: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "loveseat", "sectional sofa", "futon", "sofa bed", "day bed", "recliner", "chaise lounge", "deck chair",
            "sun lounger", "bean bag", "kids chair", "folding chair", "classroom chair", "bar stool", "high chair",
            "camping stool", "piano bench", "floor chair",
        ),
        (*SIT, "straighten {}"),
    ),
    **dict.fromkeys(
        ("double door", "sliding door", "french window", "screen door", "shower door", "elevator", "shutter"),
        (*OPEN, "wait in front of {}"),
    ),
    **dict.fromkeys(("bookcase", "entertainment center", "locker", "pantry cabinet", "trunk", "safe"), DRAWER[2:]),
    **dict.fromkeys(("bicycle", "exercise bike", "tricycle", "scooter", "stroller", "wheelchair"), RIDE),
    **dict.fromkeys(("outlet", "tv outlet", "network jack"), PLUG),
    **dict.fromkeys(("oven", "cooktop", "coffee maker", "espresso machine", "rice cooker", "toaster oven"), SWITCH),
    **dict.fromkeys(("grand piano", "electric guitar", "electronic keyboard", "xylophone"), ("play {}", "tune {}")),
    **dict.fromkeys(("bathroom vanity", "faucet", "shower head", "hot tub"), TAP[:2]),
    "dimmer": ("turn up {}", "turn down {}", "adjust {}"),
}  # fmt: skip
VERBS |= {kind: _BY_GROUP[of] for kind in LIBRARY_ONLY if (of := LIBRARY_KINDS[kind].group) in _BY_GROUP}
VERBS |= {kind: verbs for kind, verbs in _BY_KIND.items() if kind in LIBRARY_ONLY}

PERSONS = (
    "me",
    "my sister",
    "my brother",
    "my mother",
    "my father",
    "my grandmother",
    "my husband",
    "my wife",
    "my daughter",
    "my son",
    "the children",
    "the guests",
    "our visitors",
    "my friend",
    "the cook",
    "the woman in the hall",
    "the man at the door",
    "the nurse",
    "the neighbor",
    "uncle john",
)

DESTINATIONS = (
    "the hallway",
    "the closet",
    "the garage",
    "the front door",
    "the entryway",
    "the meeting room",
    "the pantry",
    "the attic",
    "the basement",
    "the balcony",
    "the porch",
    "the foyer",
    "the terrace",
    "the storage room",
    "the guest room",
    "the car",
    "the backyard",
    "the mudroom",
    "the upstairs lounge",
    "the library",
    "the driveway",
    "the staircase",
)

FETCH_TAILS = (
    "and bring it to {person}",
    "and bring it to {person} please",
    "and bring it back here",
    "and bring it back",
    "and hand it to {person}",
    "and give it to {person}",
    "and carry it to {place}",
    "and put it in {place}",
    "and take it to {place}",
    "and set it down in {place}",
    "and move it to {place}",
    "and place it in {place}",
    "and throw it away",
    "and put it in the trash",
    "and put it back where it belongs",
    "for {person}",
    "for me please",
    "and leave it in {place}",
    "and return with it",
    "and take it with you",
    "and wash it",
    "and wrap it in a cloth",
    "so {person} can use it",
)

CLEAN_TAILS = (
    "with a damp cloth",
    "with a dry rag",
    "with soap and water",
    "with a brush",
    "with a paper towel",
    "with some cleaner",
    "before the guests arrive",
    "because it is dirty",
    "because it is dusty",
    "since it looks dull",
    "so that it shines",
    "to make sure it is spotless",
    "thoroughly",
    "once more",
    "until it is clean",
    "after it got dirty",
    "for the party tonight",
    "please",
)

TAILS = (
    "please",
    "and then wait there",
    "and tell me what you see",
    "before {person} comes home",
    "before dinner",
    "after lunch",
    "when you have time",
    "as soon as you can",
    "and let me know when you are done",
    "and report back to {person}",
    "and make sure nothing is broken",
    "very carefully",
    "right away",
    "immediately",
    "gently",
    "and then turn around",
    "and come back",
    "while {person} is away",
    "for {person}",
    "like {person} asked you to",
    "if it is not in use",
    "if you have not done so yet",
    "and take a close look",
    "and see if anything has changed",
    "and leave everything else as it was",
    "and then exit the room",
    "so we can get going",
    "and make sure that all is well",
    "without a splash",
    "the way it was before",
)

NEEDS = (
    "needs to be cleaned",
    "needs cleaning",
    "needs to be wiped down",
    "needs dusting",
    "has to be checked",
    "should be dusted off",
    "must be inspected",
    "is dirty so clean it",
    "is dusty so wipe it",
    "looks dirty so please wash it",
    "has some dust on it so wipe it off",
    "is out of place so straighten it",
)

OPENINGS = (
    "please",
    "could you please",
    "can you",
    "could you",
    "i need you to",
    "i want you to",
    "i would like you to",
    "would you",
    "you should",
    "now",
    "robot",
    "hey robot",
    "be so kind and",
    "it is time to",
)

ROUTES = (
    "walk past {}",
    "go past {}",
    "pass {}",
    "go around {}",
    "stop near {}",
    "turn towards {}",
    "face {}",
    "go straight to {}",
    "approach {}",
)

NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
