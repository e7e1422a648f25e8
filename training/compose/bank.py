"""Datasets to compose from: the images of one split, and their objects that may be cut out."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import Annotation, Dataset, ImageRecord
from mdsm_ros.errors import DatasetError
from training.compose.canvas import Mask, SceneObject, resized
from training.compose.cutouts import Cutout, cut_out, largest_piece
from training.compose.kinds import PASTED
from training.photos.speech.absent import CLUTTER
from training.photos.speech.words.kinds import normal

MIN_SIDE = 44  # pixels of a cut-out's shorter side
MIN_SMALL_SIDE = 28  # pixels, for objects that are small in reality
SMALL = 0.5  # metres
MAX_FRACTION = 0.75  # largest fraction of its image that an object fills
MIN_PIECE = 0.96  # least fraction of a mask in one piece; less means that the object is occluded
MAX_CONTACT = 0.10  # largest fraction of a silhouette's surroundings covered by other objects
MAX_OCCLUSION = 0.05
MIN_SOLID = 0.35  # least fraction of its box that an object fills; less is a fragment or a frame
CERTAIN = "2"
FEW = 4  # largest number of objects in an image for which annotators overlook none
REJECTS_FILE = "rejects.txt"


@dataclass(frozen=True)
class Place:
    """Reference to an object or an image: the dataset's number and the id in it."""

    dataset: int
    id: int


class Bank:
    """The images of one split of datasets, and their objects that may be cut out.

    Args:
        roots: Folders of the datasets.
        split: Name of the split; it contains images all of whose instructions are in it.
        longer_side: Longer side of the images in pixels; larger images are scaled down.

    Attributes:
        split: Name of the split.
        where: Folders, for messages.
        pictures: Images of the split, in the order of the datasets.
        cutouts: Objects by category, in the same order.

    Raises:
        DatasetError: A dataset cannot be read, or no image is in the split.
    """

    def __init__(self, roots: Sequence[Path], split: str, longer_side: int) -> None:
        self.longer_side = longer_side
        self.datasets = [Dataset(root) for root in roots]
        self.pictures = [
            Place(number, image_id)
            for number, data in enumerate(self.datasets)
            for image_id in pictures_of(data, split)
        ]
        self._exhaustive = [exhaustive_scenes(data) for data in self.datasets]
        self.split, self.where = split, ", ".join(map(str, roots))
        if not self.pictures:
            raise DatasetError(f"{self.where}: 0 pictures are of split {split!r}, expected 1 or more")
        self.cutouts: dict[str, list[Place]] = defaultdict(list)
        for place in self.pictures:
            data = self.datasets[place.dataset]
            for annotation in usable(data, place.id):
                self.cutouts[self.category(place.dataset, annotation)].append(Place(place.dataset, annotation.id))
        if not self.cutouts:
            raise DatasetError(
                f"{self.where}: 0 objects of split {split!r} can be cut out, expected 1 or more that are whole, "
                f"certain, at least {MIN_SIDE} pixels wide and high, and of a category such as dog, chair or bottle"
            )

    @property
    def categories(self) -> list[str]:
        """Returns the categories of all datasets, each once, in the order of the datasets."""
        return list(dict.fromkeys(normal(name) for data in self.datasets for name in data.categories.values()))

    def category(self, dataset: int, annotation: Annotation) -> str:
        """Returns the common category name of an object."""
        return normal(self.datasets[dataset].categories[annotation.category_id])

    def record(self, picture: Place) -> ImageRecord:
        """Returns the record of an image."""
        return self.datasets[picture.dataset].images[picture.id]

    def picture(self, picture: Place) -> tuple[NDArray[np.uint8], list[SceneObject]]:
        """Returns the pixels (H, W, 3) of an image in the bank's size, and its objects."""
        data = self.datasets[picture.dataset]
        objects = [
            SceneObject(
                self.category(picture.dataset, annotation),
                data.mask_of(annotation.id),
                is_certain(annotation),
                annotation.occlusion,
            )
            for annotation in data.annotations_of(picture.id)
        ]
        return resized(data.image(picture.id), objects, self.longer_side)

    def places_of(self, picture: Place) -> set[Place]:
        """Returns the references to the objects of an image."""
        annotations = self.datasets[picture.dataset].annotations_of(picture.id)
        return {Place(picture.dataset, annotation.id) for annotation in annotations}

    def categories_of(self, picture: Place) -> frozenset[str]:
        """Returns the categories in an image."""
        annotations = self.datasets[picture.dataset].annotations_of(picture.id)
        return frozenset(self.category(picture.dataset, a) for a in annotations)

    def doubtful(self, picture: Place) -> frozenset[str]:
        """Returns the categories with a crowd, or with a region of possibly several objects, in an image."""
        annotations = self.datasets[picture.dataset].annotations_of(picture.id)
        return frozenset(self.category(picture.dataset, a) for a in annotations if not is_certain(a))

    def exhaustive(self, picture: Place) -> frozenset[str]:
        """Returns the categories of which every object in an image is annotated, without often overlooked ones."""
        data = self.datasets[picture.dataset]
        labelled = self._exhaustive[picture.dataset].get(data.images[picture.id].scene, frozenset())
        return labelled - CLUTTER if len(data.annotations_of(picture.id)) > FEW else labelled

    def cutout(self, place: Place) -> Cutout | str:
        """Cuts an object out of its image in the bank's size; returns the reason if it cannot be used."""
        data = self.datasets[place.dataset]
        annotation = data.annotations[place.id]
        record = data.images[annotation.image_id]
        category = self.category(place.dataset, annotation)
        scaled = (data.image(annotation.image_id), [SceneObject(category, largest_piece(data.mask_of(annotation.id)))])
        if max(record.height, record.width) > self.longer_side:
            scaled = resized(*scaled, self.longer_side)
        rgb, (thing,) = scaled
        return cut_out(rgb, thing.mask, category, f"{record.scene or record.file_name}#{annotation.id}")


def exhaustive_scenes(data: Dataset) -> dict[str, frozenset[str]]:
    """Returns the exhaustively annotated categories by scene, as written to ``info`` by ``mdsm-data photos``.

    Raises:
        DatasetError: ``info["exhaustive"]`` has another form.
    """
    found = {}
    try:
        for group in data.info.get("exhaustive", []):
            categories = frozenset(map(normal, group["categories"]))
            found.update(dict.fromkeys(group["scenes"], categories))
    except (TypeError, KeyError, AttributeError) as error:
        raise DatasetError(
            f"{data.root}: info['exhaustive'] is {str(data.info['exhaustive'])[:80]}, expected a list of groups with "
            "'categories' and 'scenes'"
        ) from error
    return found


def digest(annotation: Annotation) -> str:
    """Returns an object's name in all datasets: a hash of its mask."""
    return hashlib.sha256(annotation.segmentation["counts"].encode()).hexdigest()[:12]


@lru_cache(maxsize=1)
def rejects() -> frozenset[str]:
    """Returns digests of objects, and origins of models, that were rejected by visual inspection."""
    lines = Path(__file__).with_name(REJECTS_FILE).read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[0] for line in lines if not line.startswith("#"))


def is_certain(annotation: Annotation) -> bool:
    """Whether an annotation is one object, not a crowd or a region."""
    return not annotation.iscrowd and annotation.attributes.get("reliable", CERTAIN) == CERTAIN


def pictures_of(data: Dataset, split: str) -> list[int]:
    """Returns the images all of whose instructions are in a split."""
    splits: dict[int, set[str]] = defaultdict(set)
    for image_id, of_instruction in zip(data.column("image_id"), data.column("split"), strict=True):
        splits[image_id].add(of_instruction)
    return [image_id for image_id in data.images if splits[image_id] == {split}]


def usable(data: Dataset, image_id: int) -> Iterator[Annotation]:
    """Yields the objects of an image that are whole by their annotation."""
    annotations = data.annotations_of(image_id)
    wanted = [a for a in annotations if _fits(data, a)]
    if not wanted:
        return
    masks = {a.id: data.mask_of(a.id) for a in annotations}
    for annotation in wanted:
        others = [masks[a.id] for a in annotations if a.id != annotation.id]
        if _is_whole(masks[annotation.id], others):
            yield annotation


def _fits(data: Dataset, annotation: Annotation) -> bool:
    """Whether an object has a usable category, is certain, large enough and not cut off by the image's border."""
    record = data.images[annotation.image_id]
    x, y, width, height = annotation.bbox
    category = normal(data.categories[annotation.category_id])
    if category not in PASTED or not is_certain(annotation) or digest(annotation) in rejects():
        return False
    if (annotation.occlusion or 0.0) > MAX_OCCLUSION:
        return False
    if min(width, height) < (MIN_SMALL_SIDE if PASTED[category].size[1] < SMALL else MIN_SIDE):
        return False
    if annotation.area > MAX_FRACTION * record.height * record.width or annotation.area < MIN_SOLID * width * height:
        return False
    return x > 1 and y > 1 and x + width < record.width - 1 and y + height < record.height - 1


def _is_whole(mask: Mask, others: Sequence[Mask]) -> bool:
    """Whether a mask is in one piece and hardly touches other objects."""
    if largest_piece(mask).sum() < MIN_PIECE * mask.sum():
        return False
    kernel = np.ones((7, 7), np.uint8)
    ring = cv2.dilate(mask.astype(np.uint8), kernel).astype(bool) & ~mask
    near = np.zeros_like(mask)
    for other in others:
        near |= cv2.dilate(other.astype(np.uint8), kernel).astype(bool)
    return bool((ring & near).sum() <= MAX_CONTACT * ring.sum())
