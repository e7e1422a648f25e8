"""A composed picture as the scene that sentences are made about."""

from __future__ import annotations

from training.compose.picture import Composed
from training.photos.speech.scene import PictureScene, scene_of

MAX_OCCLUSION = 0.75  # of an object that a sentence may ask for
MIN_PIXELS = 30  # that must be seen of an object before anything is said about it


def scene_of_picture(picture: Composed) -> PictureScene:
    """The scene of a composed picture; objects of which too little is seen are in it as uncertain ones."""
    uncertain = frozenset(
        i
        for i, thing in enumerate(picture.objects)
        if not thing.certain or (thing.occlusion or 0.0) > MAX_OCCLUSION or thing.mask.sum() < MIN_PIXELS
    )
    return scene_of(
        picture.rgb,
        [thing.category for thing in picture.objects],
        [thing.mask for thing in picture.objects],
        uncertain=uncertain,
        exhaustive=picture.exhaustive,
    )


def target_fraction(picture: Composed, index: int | None) -> tuple[float, float | None]:
    """The fraction of the picture that a target fills, and how much of it is hidden; 1 and None without a target."""
    if index is None:
        return 1.0, None
    thing = picture.objects[index]
    return float(thing.mask.mean()), thing.occlusion
