"""Categories of the library that people may confuse, and categories that are part of other items.

Tables only; they extend those of :mod:`mdsm_ros.homes.words.lexicon`. Categories with a common name or head noun are
alike without being listed here.
"""

from __future__ import annotations


def _sets(text: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(name.strip() for name in line.split(",")) for line in text.strip().splitlines())


LOOK_ALIKES = _sets("""
chair, kids chair, folding chair, classroom chair, office chair, armchair, high chair, floor chair
armchair, recliner, chaise lounge, loveseat, sofa
chaise lounge, sun lounger, deck chair
deck chair, folding chair, camping stool
wheelchair, office chair
sofa, loveseat, sectional sofa, sofa bed, futon, day bed
bed, hospital bed, bunk bed, loft bed, day bed, sofa bed, mattress, futon, air mattress, crib, cradle
mattress, air mattress, sleeping bag, tatami
stool, bar stool, camping stool, step stool, ottoman, piano bench, kids chair
bench, piano bench, coffee table, weight bench
bean bag, ottoman, armchair, pillow
table, cafe table, bar table, folding table, kids table, desk, drafting table, workbench, coffee table, side table
table, vanity
pool table, ping pong table, foosball table, table
sink, bathroom vanity
vanity, bathroom vanity
cabinet, dresser, locker, wardrobe, filing cabinet, counter, pantry cabinet, tv stand, entertainment center
cabinet, bathroom vanity, safe, changing table, nightstand
wall cabinet, wall shelf, cabinet, pantry cabinet, counter
bookcase, shelf, wall shelf, entertainment center
kitchen island, counter, table
changing table, dresser
wardrobe, locker, refrigerator, pantry cabinet
refrigerator, chest freezer
washing machine, dryer, stove, oven
stove, cooktop, oven, wood stove
oven, toaster oven, microwave, toaster
fireplace, wood stove
coffee maker, espresso machine, blender, mixer
teapot, kettle, moka pot, french press, pitcher, creamer, coffee maker
mug, teacup, paper cup, plastic cup, glass, beer mug, creamer
glass, wine glass, cocktail glass, beer mug, vase
bowl, fruit bowl, salad bowl, ramekin, pot, washtub
sugar bowl, jar, teapot, ramekin, canister, cosmetics jar
plate, tray, bowl, place setting
serving spoon, ladle, spatula, pasta server, spoon, utensil rack, utensil holder
fork, knife, spoon, place setting
knife, knife block, knife rack
utensil rack, knife rack
pan, pot
rice cooker, deep fryer, toaster, bread box
sandwich maker, tabletop grill, kitchen scale
bottle, wine bottle, beer bottle, perfume bottle, medicine bottle, soap dispenser, spray bottle, baby bottle
bottle, yogurt bottle, cruet, milk carton, salt shaker
hairbrush, comb
sponge, bread
butter, bread
hamburger, hot dog, bread, cupcake
medicine box, box, tissue box, milk carton, gift
box, crate, storage bin, trunk, gift, recycling bin
storage bin, recycling bin, washtub, bucket, laundry basket, basket
trash can, recycling bin, bucket
crate, trunk, barrel
briefcase, suitcase, purse, backpack
toilet, bidet, urinal, potty
bathtub, hot tub, shower
shower, shower door, shower head, shower curtain
faucet, shower head
toilet paper, paper towel
towel, hanging towel, towel rack, towel warmer, folded clothes, bath mat
rug, bath mat, doormat, tatami
radiator, towel warmer, heater
water heater, refrigerator
air conditioner, radiator, heater
lamp, desk lamp, floor lamp, wall lamp
pendant lamp, chandelier, ceiling light, fluorescent light, track light
spotlight, track light, picture light, wall lamp, security camera
wall lantern, wall lamp, lantern, pendant lamp
lantern, stone lantern, candle holder, flashlight
stone lantern, statue
candle, candle holder, candlestick
pen, pencil, highlighter, screwdriver, lipstick
pen holder, vase, mug
letter tray, tray
ruler, tape measure
desktop computer, monitor, tv, laptop, tablet
tablet, cell phone, photo, book
phone, cordless phone, cell phone, intercom, remote control, game controller
dvd player, game console, amplifier, stereo, projector
stereo, speaker dock, radio, speaker
alarm clock, thermometer, clock, cuckoo clock
thermometer, cordless phone, thermostat
tv, projector, whiteboard
tv stand, entertainment center
outlet, light switch, dimmer, tv outlet, network jack, doorbell, keypad, thermostat
intercom, keypad, doorbell
smoke detector, security camera, ceiling light
mailbox, box, wall cabinet
door, screen door, double door, french window, sliding door, shower door, elevator
window, french window, sliding door, blinds, shutter, door
blinds, shutter, curtain, shower curtain
room divider, shutter, screen door
plant, tree, lucky bamboo, bonsai, cactus, succulent, orchid, flowers, planter
christmas tree, tree, plant
vase, flowers, pitcher, jar
photo, picture, calendar
newspaper, book, banknote
eyeglasses, sunglasses
watch, ring, keys
clothes rack, coat rack, drying rack, hanging clothes, clothes hanger
towel rack, coat rack
dress, skirt, jacket, suit jacket, shorts, jeans, folded clothes, hanging clothes
shorts, jeans
skirt, dress
cap, hat, helmet
sock, glove
shoes, high heels, loafers, slippers, boots
broom, shovel, dustpan
hammer, saw, screwdriver, drill, angle grinder, bolt cutter
drill, angle grinder
ladder, step stool, clothes rack
cake, cupcake
teddy bear, doll, wooden toy
toy airplane, toy car, toy train
rocking horse, tricycle, scooter
tricycle, bicycle, scooter, exercise bike, stroller, wheelchair
skateboard, scooter
puzzle, rubik's cube, playing cards
ping pong paddle, tennis racket
basketball, soccer ball, ball
exercise bike, treadmill, exercise machine, weight bench
punching bag, floor lamp
piano, grand piano, electronic keyboard
keyboard, electronic keyboard, xylophone
guitar, electric guitar
cat, dog, rabbit
man, woman, boy, girl
firewood, crate
aquarium, tv
headphones, eyeglasses
table, cafe table, bar table, folding table, kids table, drafting table, workbench, ping pong table, pool table
table, foosball table, vanity, changing table, kitchen island, counter, nightstand, desk, coffee table, side table
cabinet, dresser, nightstand, locker, wardrobe, entertainment center, pantry cabinet, bathroom vanity, trunk, safe
cabinet, changing table, bookcase, tv stand, filing cabinet, vanity, counter, kitchen island, chest freezer, desk
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
laundry basket, basket, bucket, trash can, recycling bin, storage bin, crate, box, barrel, washtub, planter
box, crate, storage bin, gift, medicine box, trunk, suitcase, briefcase, milk carton, tissue box, jewelry box, safe
picture, whiteboard, mirror, window, calendar, photo
tablet, cell phone, phone, cordless phone, remote control, game controller, book, calendar, photo, thermometer
dvd player, amplifier, stereo, game console, radio, speaker dock, speaker, projector, printer, alarm clock, box
door, double door, screen door, shower door, sliding door, french window, window, elevator, room divider, mirror
curtain, shower curtain, blinds, hanging clothes, room divider, hanging towel
towel, folded clothes, blanket, bath mat, jeans, shorts, skirt, dress, jacket, suit jacket, sleeping bag, sock
towel, glove
hanging shirt, suit jacket, hanging clothes, clothes hanger, dress, jacket, coat rack, clothes rack, hanging towel
backpack, briefcase, purse, suitcase, sleeping bag, box
ball, basketball, soccer ball, apple, globe, helmet
saw, hammer, drill, screwdriver, angle grinder, bolt cutter, tape measure, scissors, stapler, tape
newspaper, book, banknote, calendar, puzzle, playing cards, stack of books, tablet, letter tray
statue, sculpture, doll, teddy bear, wooden toy, toy airplane, boy, girl, man, woman, trophy
cake, cupcake, bread, butter, steak, hamburger, hot dog, roast chicken, french fries, apple, sponge, yogurt bottle
toy car, toy train, toy airplane, wooden toy, rocking horse, rubik's cube, puzzle, gift, box
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
    **dict.fromkeys(
        ("hanging clothes", "clothes hanger", "hanging shirt", "jacket", "dress"), "clothes rack, wardrobe"
    ),
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
