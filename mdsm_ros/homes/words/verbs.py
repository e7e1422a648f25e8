"""Tasks for a robot with an object; ``{}`` is the object."""

from __future__ import annotations

from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS
from mdsm_ros.homes.words.lexicon import LIBRARY_ONLY

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
    "gather {}",
    "flip {} over",
    "scoot {} over",
    "arrange {}",
    "lay {} down",
    "set {} down",
    "store {}",
    "turn {} upside down",
    "take {} out",
    "clear away {}",
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
    "clear off {}",
    "wash down {}",
    "spray and wipe {}",
    "buff {}",
    "rinse off {}",
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
    "view {}",
    "test {}",
    "locate {}",
    "hide behind {}",
    "lean against {}",
    "start with {}",
    "walk toward {}",
    "decorate {}",
    "stare longingly at {}",
    "pull on {}",
    "push against {}",
    "reset {}",
    "pass by {}",
    "identify {}",
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
