"""Kinds of the library that a listener may take for each other, and kinds that are part of other things.

Tables only; they add to those of :mod:`mdsm_ros.homes.lexicon`. Kinds that share a name or a head noun are alike
without being listed here.
"""

from __future__ import annotations


def _sets(text: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(name.strip() for name in line.split(",")) for line in text.strip().splitlines())


LOOK_ALIKES = _sets("""
bed, hospital bed, bunk bed, loft bed, day bed, sofa bed, futon, mattress, air mattress, crib, cradle
sofa, loveseat, sectional sofa, sofa bed, futon, day bed, chaise lounge, armchair, recliner, bench
armchair, recliner, chaise lounge, sun lounger, deck chair, bean bag, chair, office chair, wheelchair
chair, kids chair, floor chair, folding chair, classroom chair, high chair, camping stool, bar stool, piano bench
stool, bar stool, camping stool, step stool, ottoman, piano bench, bench, kids chair, potty, bean bag, side table
bench, weight bench, piano bench, coffee table, table
table, cafe table, bar table, folding table, kids table, drafting table, workbench, ping pong table, pool table
table, foosball table, vanity, changing table, kitchen island, counter, nightstand, desk, coffee table, side table
cabinet, dresser, nightstand, locker, wardrobe, entertainment center, pantry cabinet, bathroom vanity, trunk, safe
cabinet, changing table, bookcase, tv stand, filing cabinet, vanity, counter, kitchen island, chest freezer, desk
bookcase, shelf, wall shelf, entertainment center, spice rack, clothes rack, dollhouse, desk, cabinet
wardrobe, refrigerator, pantry cabinet, locker, elevator, door, water cooler
sink, bathroom vanity, washtub, bidet, toilet, urinal, potty, bathtub
bathtub, hot tub, washtub, shower, shower door, shower curtain
lamp, desk lamp, floor lamp, lantern, wall lamp, pendant lamp, spotlight, stone lantern
ceiling light, pendant lamp, chandelier, fluorescent light, track light, spotlight, smoke detector, security camera
wall lamp, wall lantern, picture light, spotlight, lantern, security camera
candle, candle holder, candlestick, lantern, stone lantern
plant, tree, bonsai, cactus, succulent, orchid, lucky bamboo, flowers, planter, christmas tree, vase
vase, jar, canister, pitcher, cosmetics jar, sugar bowl, pot, bottle, barrel, planter
mug, teacup, paper cup, plastic cup, glass, beer mug, wine glass, cocktail glass, bowl, creamer, ramekin, trophy
mug, pen holder, sugar bowl, utensil holder, glass, pitcher, candle holder
bowl, plate, ramekin, salad bowl, fruit bowl, tray, pan, pot, ashtray, place setting, letter tray
bottle, wine bottle, beer bottle, medicine bottle, perfume bottle, spray bottle, yogurt bottle, baby bottle, cruet
bottle, soap dispenser, milk carton, salt shaker, cosmetics jar, lipstick, medicine box, fire extinguisher
serving spoon, ladle, spatula, pasta server, fork, knife, spoon, pen, pencil, ruler, highlighter, screwdriver
scissors, comb, hairbrush, toilet brush, pen, knife, sponge, flashlight, screwdriver
kettle, teapot, moka pot, french press, pitcher, creamer, coffee maker, espresso machine, blender, mixer, juicer
toaster, toaster oven, microwave, oven, bread box, sandwich maker, rice cooker, deep fryer, tabletop grill, printer
kitchen scale, radio, stereo, printer, toaster, alarm clock, phone, thermometer
stove, cooktop, oven, wood stove, fireplace, tabletop grill
washing machine, dryer, stove, oven, refrigerator, chest freezer, cabinet
laundry basket, basket, bucket, trash can, recycling bin, storage bin, crate, box, barrel, washtub, planter
box, crate, storage bin, gift, medicine box, trunk, suitcase, briefcase, milk carton, tissue box, jewelry box, safe
tv, monitor, desktop computer, laptop, tablet
picture, whiteboard, mirror, window, calendar, photo
tablet, cell phone, phone, cordless phone, remote control, game controller, book, calendar, photo, thermometer
keypad, camera, cell phone, thermometer, intercom, thermostat, doorbell
keyboard, electronic keyboard, laptop, piano, xylophone
dvd player, amplifier, stereo, game console, radio, speaker dock, speaker, projector, printer, alarm clock, box
door, double door, screen door, shower door, sliding door, french window, window, elevator, room divider, mirror
window, french window, shutter, blinds, curtain, picture, mirror, sliding door
curtain, shower curtain, blinds, hanging clothes, room divider, hanging towel
towel, folded clothes, blanket, bath mat, jeans, shorts, skirt, dress, jacket, suit jacket, sleeping bag, sock, glove
hanging shirt, suit jacket, hanging clothes, clothes hanger, dress, jacket, coat rack, clothes rack, hanging towel
towel rack, towel warmer, radiator, coat rack, drying rack, hanging towel, knife rack, utensil rack
rug, bath mat, doormat, tatami, air mattress, mattress
hat, cap, helmet, bowl
shoes, high heels, loafers, slippers, boots, sock
backpack, briefcase, purse, suitcase, sleeping bag, box
ball, basketball, soccer ball, apple, globe, helmet
outlet, tv outlet, network jack, dimmer, light switch, thermostat, doorbell, keypad, intercom, smoke detector
water heater, air conditioner, radiator, heater, vent, towel warmer
broom, shovel, dustpan, vacuum cleaner, umbrella, ladder, step stool
saw, hammer, drill, screwdriver, angle grinder, bolt cutter, tape measure, scissors, stapler, tape
eyeglasses, sunglasses, headphones
watch, ring, keys, tape, tape measure
newspaper, book, banknote, calendar, puzzle, playing cards, stack of books, tablet, letter tray
statue, sculpture, doll, teddy bear, wooden toy, toy airplane, boy, girl, man, woman, trophy
cat, dog, rabbit, teddy bear, statue, rocking horse
bicycle, exercise bike, tricycle, scooter, stroller, wheelchair, skateboard, treadmill, exercise machine
exercise machine, weight bench, treadmill, exercise bike, punching bag, drying rack
piano, grand piano, electronic keyboard
electric guitar, guitar
tennis racket, ping pong paddle, pan
cake, cupcake, bread, butter, steak, hamburger, hot dog, roast chicken, french fries, apple, sponge, yogurt bottle
pinball machine, foosball table, pool table, ping pong table, treadmill
knife block, utensil holder, pen holder, knife rack, utensil rack, spice rack
mailbox, wall cabinet, air conditioner, exit sign, fire extinguisher, intercom
toy car, toy train, toy airplane, wooden toy, rocking horse, rubik's cube, puzzle, gift, box
basketball hoop, dartboard, clock, mirror
cuckoo clock, clock, alarm clock, dollhouse
firewood, basket, fireplace, wood stove
faucet, shower head
sleeping bag, bean bag, pillow, folded clothes
""")

_BEDS = "bed, hospital bed, bunk bed, loft bed, day bed, sofa bed, futon, crib, cradle"
_SEATS = f"{_BEDS}, sofa, loveseat, sectional sofa, armchair, recliner, chaise lounge, sun lounger, bench"
_SHELVES = "bookcase, shelf, entertainment center, wall shelf, desk, cabinet, tv stand"
_PARTS: dict[str, str] = {
    "pillow": _SEATS,
    "blanket": _SEATS,
    "towel": f"{_BEDS}, bathroom vanity, towel rack, towel warmer, drying rack",
    "hanging towel": "towel rack, towel warmer, bathroom vanity, drying rack",
    "mattress": _BEDS,
    "mirror": "bathroom vanity, vanity, wardrobe, dresser, sink, dollhouse",
    "sink": "bathroom vanity, counter, kitchen island, cabinet",
    "faucet": "sink, bathroom vanity, bathtub, bidet, counter, kitchen island, shower, hot tub, washtub",
    "shower head": "shower, bathtub",
    "shower curtain": "shower, bathtub",
    "shower door": "shower",
    "cooktop": "stove, counter, kitchen island, oven",
    "oven": "stove, counter",
    "counter": "kitchen island, bathroom vanity, sink",
    **dict.fromkeys(("book", "stack of books", "box", "vase", "statue", "photo", "plant", "flowers"), _SHELVES),
    **dict.fromkeys(("tv", "stereo", "radio", "dvd player", "amplifier"), "entertainment center, tv stand"),
    "speaker": "stereo, desktop computer, entertainment center, radio, speaker dock, amplifier, tv",
    **dict.fromkeys(("keyboard", "monitor"), "desktop computer, laptop"),
    "knife": "knife block, knife rack, place setting, utensil holder",
    **dict.fromkeys(("fork", "spoon", "plate", "glass", "wine glass"), "place setting"),
    **dict.fromkeys(("ladle", "spatula", "serving spoon", "pan", "pot"), "utensil rack, utensil holder, stove"),
    "apple": "fruit bowl",
    "candle": "candle holder, candlestick, chandelier, lantern, cake",
    **dict.fromkeys(("hanging clothes", "clothes hanger", "hanging shirt", "jacket", "dress"), "clothes rack, wardrobe"),
    **dict.fromkeys(("pen", "pencil", "scissors", "ruler"), "pen holder"),
    "ball": "pool table, basketball hoop, foosball table",
    "doll": "dollhouse",
    "chair": "kids table, table, desk",
    "piano bench": "piano, grand piano",
    "lamp": "ceiling fan, desk, vanity",
    "window": "door, double door, french window, sliding door",
    "door": "wardrobe, refrigerator, cabinet",
    "firewood": "fireplace, wood stove",
    "basket": "bicycle, shelf",
    "tray": "high chair",
}

PART_OF: dict[str, frozenset[str]] = {part: whole for part, text in _PARTS.items() for whole in _sets(text)}
"""Kinds by what a library model of them may have on it: a bed comes with pillows."""
