"""Objects that are in no photograph here, so that "not in view" is learned for more words than the labels."""

from __future__ import annotations


def _names(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split(","))


STRANGERS = _names(
    """
    unicorn, dragon, mermaid, robot arm, rocket, submarine, space shuttle, hovercraft, tank, cannon, forklift,
    bulldozer, excavator, combine harvester, cement mixer, snowplow, hot air balloon, parachute, canoe paddle,
    lighthouse, windmill, igloo, pyramid, totem pole, accordion, bagpipes, banjo, cello, clarinet, harp, saxophone,
    trombone, trumpet, tuba, violin, xylophone, drum kit, gong, harmonica, tambourine, microscope, telescope,
    sextant, compass, hourglass, sundial, abacus, typewriter, sewing machine, spinning wheel, loom, anvil,
    blowtorch, chainsaw, crowbar, jackhammer, pickaxe, wheelbarrow, lawn mower, leaf blower, sledgehammer, vise,
    wrench, hacksaw, soldering iron, voltmeter, stethoscope, syringe, wheelchair ramp, crutches, gas mask, diving
    helmet, scuba tank, snorkel, harpoon, bow and arrow, crossbow, sword, shield, suit of armor, catapult, crown,
    throne, treasure chest, crystal ball, magic wand, witch's cauldron, coffin, skeleton, dinosaur, mammoth,
    kangaroo, koala, panda, penguin, polar bear, walrus, octopus, lobster, jellyfish, starfish, shark, dolphin,
    whale, crocodile, iguana, chameleon, cobra, scorpion, tarantula, snail, hedgehog, armadillo, porcupine, raccoon,
    skunk, beaver, camel, llama, bison, hippopotamus, rhinoceros, gorilla, chimpanzee, flamingo, peacock, ostrich,
    pelican, toucan, vulture, pool table, pinball machine, slot machine, roulette wheel, dartboard, bowling ball,
    punching bag, trampoline, rowing machine, barbell, pommel horse, hockey puck, javelin, boxing gloves, ice
    skates, bobsled, snowshoes, beehive, scarecrow, jukebox, gramophone, film projector, megaphone, walkie-talkie,
    fax machine, floppy disk, cassette tape, rubik's cube, chess clock, dominoes, yo-yo, kaleidoscope, puppet
    theater, dollhouse, toy train, jack-in-the-box, pineapple corer, fondue pot, samovar, mortar and pestle, pasta
    machine, ice cream cart, popcorn machine, cotton candy, lobster trap, sushi roll, kimono, kilt, sombrero,
    monocle, fez, stilts, snow globe, disco ball, lava lamp, birdcage, terrarium, bonsai shears, safe deposit box,
    metal detector, theodolite, go-kart, unicycle, penny-farthing, rickshaw, gondola, cable car, zeppelin, radar
    antenna, oil rig, stalactite, volcano, geyser, iceberg, meteorite
    """
)
"""None is a label, and hardly a photograph of a home, a street or a field shows one."""
