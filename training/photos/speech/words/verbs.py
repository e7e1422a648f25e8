"""Tasks with an object of a category, in the style of REVERIE's annotators. Tables only."""

from __future__ import annotations

from mdsm_ros.homes.words import verbs as home_verbs

LOOK = (
    "look at {}",
    "go to {}",
    "walk to {}",
    "find {}",
    "point at {}",
    "point to {}",
    "show me {}",
    "take a photo of {}",
    "take a picture of {}",
    "describe {}",
    "move closer to {}",
    "turn towards {}",
    "inspect {}",
    "check {}",
    "check on {}",
    "keep an eye on {}",
    "locate {}",
    "look for {}",
    "examine {}",
    "tell me about {}",
    "stop in front of {}",
    "wait by {}",
    "face {}",
    "approach {}",
)
FAR = (
    "look at {}",
    "point at {}",
    "point to {}",
    "show me {}",
    "take a photo of {}",
    "describe {}",
    "watch {}",
    "keep an eye on {}",
    "find {}",
    "look up at {}",
    "follow {} with the camera",
)
"""For what is out of reach."""

PERSON = (
    "walk up to {}",
    "go to {}",
    "follow {}",
    "greet {}",
    "say hello to {}",
    "wave at {}",
    "hand this letter to {}",
    "give this to {}",
    "ask {} for the way",
    "ask {} what time it is",
    "wait next to {}",
    "look at {}",
    "take a photo of {}",
    "point at {}",
    "talk to {}",
    "bring the newspaper to {}",
    "keep away from {}",
    "stand next to {}",
    "tell {} that dinner is ready",
)
PET = (
    "feed {}",
    "pet {}",
    "call {}",
    "look after {}",
    "play with {}",
    "check on {}",
    "give some water to {}",
    "look at {}",
    "take a photo of {}",
    "watch {}",
    "find {}",
    "point at {}",
    "walk up to {}",
    "brush {}",
    "go to {}",
    "keep an eye on {}",
    "put a collar on {}",
    "bring a treat to {}",
    "stay away from {}",
    "say hello to {}",
    "follow {}",
)
LIVESTOCK = (
    "feed {}",
    "look at {}",
    "take a photo of {}",
    "watch {}",
    "walk up to {}",
    "lead {} to the barn",
    "bring some hay to {}",
    "check on {}",
    "point at {}",
    "stay away from {}",
    "follow {}",
    "find {}",
    "keep an eye on {}",
    "brush {}",
    "bring {} some water",
    "go to {}",
    "read the ear tag of {}",
    "drive {} back to the others",
)
HORSE = (
    "feed {}",
    "saddle {}",
    "brush {}",
    "lead {} to the stable",
    "bring a carrot to {}",
    "look at {}",
    "take a photo of {}",
    "watch {}",
    "check on {}",
    "point at {}",
    "walk up to {}",
    "check the hooves of {}",
    "stay away from {}",
    "find {}",
    "bring {} some water",
    "go to {}",
)
WILD = ("look at {}", "watch {}", "take a photo of {}", "point at {}", "stay away from {}", "find {}", "describe {}")
RIDE = (
    "walk to {}",
    "go to {}",
    "wash {}",
    "stop in front of {}",
    "take a picture of {}",
    "check the tires of {}",
    "wait next to {}",
    "look at {}",
    "read the number plate of {}",
    "clean the windows of {}",
    "point at {}",
    "inspect {}",
    "walk around {}",
    "put this flyer on {}",
)
BIKE = (
    "unlock {}",
    "lock {}",
    "walk to {}",
    "pump up the tires of {}",
    "clean the saddle of {}",
    "clean {}",
    "bring me {}",
    "park {} by the wall",
    "look at {}",
    "stop next to {}",
    "take a photo of {}",
    "check the brakes of {}",
)
VESSEL = ("look at {}", "take a photo of {}", "point at {}", "watch {}", "describe {}", "find {}", "wave to {}")
FOOD = (
    "bring me {}",
    "put away {}",
    "hand me {}",
    "throw out {}",
    "pass me {}",
    "cover {} with foil",
    "put {} on a plate",
    "cut {} in half",
    "put {} in the refrigerator",
    "fetch {}",
    "pick up {}",
    "taste {}",
    "take a photo of {}",
    "serve {}",
    "get {}",
)
FETCH = home_verbs.FETCH
FURNITURE = (*home_verbs.CLEAN, "inspect {}", "check {}", "look under {}", "move {} a little", "polish {}")
APPLIANCE = (*home_verbs.CLEAN, *home_verbs.OPEN[:5], "turn off {}", "unplug {}", "check {}", "inspect {}")
BALL = ("kick {}", "catch {}", "pick up {}", "bring me {}", "roll {} over here", "fetch {}", "put away {}")

_TABLEWARE = (*home_verbs.TABLEWARE, *FETCH[:12], "wash {}", "put {} in the sink", "put {} in the dishwasher")
_BAG = (*FETCH[:12], "open {}", "empty {}", "pack {}", "look inside {}", "hang up {}", "close {}")
_SCREEN = (*home_verbs.SWITCH[:6], *home_verbs.CLEAN[:8], "look at {}", "dim {}", "check {}", "see what is on {}")

VERBS: dict[str, tuple[str, ...]] = {
    "person": PERSON,
    **dict.fromkeys(("cat", "dog", "pet"), PET),
    **dict.fromkeys(("sheep", "cow", "goat"), LIVESTOCK),
    "horse": HORSE,
    **dict.fromkeys(("elephant", "bear", "zebra", "giraffe", "bird", "animal"), WILD),
    **dict.fromkeys(("car", "truck", "bus", "vehicle"), RIDE),
    **dict.fromkeys(("bicycle", "motorcycle"), BIKE),
    **dict.fromkeys(("boat", "train", "airplane", "kite"), VESSEL),
    **dict.fromkeys(("traffic light", "stop sign"), FAR[:9]),
    **dict.fromkeys(("fire hydrant", "parking meter"), LOOK),
    **dict.fromkeys(
        ("banana", "apple", "orange", "broccoli", "carrot", "sandwich", "hot dog", "pizza", "donut", "cake"), FOOD
    ),
    "piece of fruit": FOOD,
    "chair": (*home_verbs.SIT, *home_verbs.PUSH, *FURNITURE, "bring me {}", "put the jacket on {}"),
    "couch": (*home_verbs.SIT, *FURNITURE, "fluff the pillows on {}", "vacuum {}", "lie down on {}"),
    "bench": (*home_verbs.SIT, *FURNITURE, "leave the bag on {}"),
    "bed": ("make {}", "lie down on {}", "change the sheets of {}", "tidy up {}", "look under {}", "sit on {}"),
    "dining table": (
        *home_verbs.CLEAN,
        "set {}",
        "clear {}",
        "put the flowers on {}",
        "place the keys on {}",
        "look under {}",
        "put a cloth on {}",
        "wait at {}",
    ),
    "toilet": (*home_verbs.FLUSH, *home_verbs.CLEAN),
    "sink": (*home_verbs.TAP, *home_verbs.CLEAN),
    "tv": _SCREEN,
    "laptop": (*FETCH[:12], "open {}", "close {}", "shut down {}", "charge {}", "wipe {}", "type a letter on {}"),
    "mouse": (*FETCH[:12], "click with {}", "wipe {}"),
    "keyboard": (*FETCH[:12], "clean {}", "dust {}", "type on {}", "push {} back"),
    "remote": (*FETCH, "hand {} to the guest", "change the batteries of {}"),
    "cell phone": (*FETCH[:12], "charge {}", "answer {}", "switch off {}"),
    "book": (*FETCH[:14], *home_verbs.READ),
    "clock": ("read the time on {}", "wind {}", "set {}", "look at {}", "take down {}", "check {}", "clean {}"),
    "vase": (*FETCH[:12], *home_verbs.FILL[:4], "dust {}", "put the flowers in {}"),
    "scissors": FETCH,
    "teddy bear": (*FETCH, "hug {}", "put {} on the bed", "wash {}"),
    **dict.fromkeys(("microwave", "oven", "refrigerator", "toaster"), APPLIANCE),
    **dict.fromkeys(("bottle", "cup", "wine glass", "bowl", "fork", "knife", "spoon"), _TABLEWARE),
    **dict.fromkeys(("backpack", "handbag", "suitcase"), _BAG),
    **dict.fromkeys(("umbrella",), (*FETCH[:12], "open {}", "close {}", "fold up {}")),
    "tie": ("straighten {}", "look at {}", "point at {}", "adjust {}"),
    "potted plant": (*home_verbs.WATER, *LOOK, "move {} to the window", "turn {} around", "repot {}"),
    "sports ball": BALL,
    **dict.fromkeys(
        ("frisbee", "baseball bat", "baseball glove", "tennis racket", "skateboard", "surfboard", "snowboard", "skis"),
        (*FETCH[:12], "pick up {}", "wipe {}", "put away {}"),
    ),
    **dict.fromkeys(("toothbrush", "hair drier"), (*FETCH[:12], "put {} in the drawer", "rinse {}")),
    **dict.fromkeys(("door", "window"), (*home_verbs.OPEN[:4], *home_verbs.CLEAN[:6], "go to {}", "check {}")),
    **dict.fromkeys(("curtain", "window blind"), ("open {}", "close {}", "adjust {}", "pull {} aside", "wash {}")),
    **dict.fromkeys(("cabinet", "shelf", "drawer"), (*home_verbs.CLEAN, "open {}", "organize {}", "look inside {}")),
    "counter": (*home_verbs.CLEAN, "clear {}", "put the groceries on {}"),
    "rug": ("vacuum {}", "roll up {}", "straighten {}", "beat {}", "clean {}"),
    "lamp": (*home_verbs.SWITCH, "dust {}"),
    "mirror": (*home_verbs.CLEAN[:8], "look into {}"),
    **dict.fromkeys(("blanket", "towel"), (*home_verbs.FOLD, *FETCH[:12])),
}
"""Verbs by kind, each with a place for its object; a kind that is not here takes those of :data:`LOOK`."""

SMALL = frozenset(
    [
        "bottle",
        "cup",
        "fork",
        "knife",
        "spoon",
        "bowl",
        "banana",
        "apple",
        "sandwich",
        "orange",
        "carrot",
        "donut",
        "book",
        "scissors",
        "remote",
        "vase",
    ]
) | {"wine glass", "hot dog", "teddy bear", "cell phone", "sports ball", "backpack", "handbag", "frisbee", "laptop"}
"""Kinds that can be fetched: tails of fetching fit them."""

CLEANABLE = frozenset(
    [
        "chair",
        "couch",
        "bench",
        "bed",
        "toilet",
        "sink",
        "tv",
        "microwave",
        "oven",
        "refrigerator",
        "toaster",
        "counter",
        "cabinet",
        "shelf",
        "mirror",
    ]
) | {"dining table", "window"}
"""Kinds of which it is said that they need cleaning."""

FETCHING = frozenset(v for v in FETCH if v.split()[0] in {"get", "fetch", "bring", "pick", "grab", "take", "collect"})
CLEANING = frozenset(home_verbs.CLEAN)

ASK = (
    "where is {}",
    "can you see {}",
    "do you see {}",
    "I am looking for {}",
    "I mean {}",
    "which one is {}",
    "mark {}",
    "select {}",
    "highlight {}",
)
"""Questions about what is in the picture."""

TAILS = ("please", "right away", "when you have time", "as soon as you can", "carefully", "now", "for me", "once more")
