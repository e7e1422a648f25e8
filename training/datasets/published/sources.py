"""``mdsm-data sources``: where each public dataset can be had, under which licence, and what reads it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A public dataset.

    Attributes:
        title: Name of the dataset.
        content: Content in a few words.
        address: Web address of its files or of the page that has them.
        images: Images that it needs beside its own files; empty if they come with it.
        licence: Licence as its authors state it.
    """

    title: str
    content: str
    address: str
    images: str
    licence: str


_COCO_IMAGES = "COCO train2014 (https://cocodataset.org/#download; Flickr's terms of use)"
_OCID = "OCID (https://www.acin.tuwien.ac.at/vision-for-robotics/software-tools/object-clutter-indoor-dataset)"

SOURCES = {
    "refcoco": Source(
        "RefCOCO, RefCOCO+, RefCOCOg",
        "phrases about one object in COCO's photographs",
        "https://github.com/lichengunc/refer",
        _COCO_IMAGES,
        "code Apache-2.0; none stated for the phrases; COCO's masks CC BY 4.0",
    ),
    "grefcoco": Source(
        "gRefCOCO",
        "phrases about several objects, one, or none in COCO's photographs",
        "https://github.com/henghuiding/gRefCOCO or https://huggingface.co/datasets/FudanCVL/gRefCOCO",
        _COCO_IMAGES,
        "no licence file in the repository; COCO's masks CC BY 4.0",
    ),
    "phrasecut": Source(
        "PhraseCut (VGPhraseCut v0)",
        "phrases with categories, attributes and relations about regions of Visual Genome",
        "https://github.com/ChenyunWu/PhraseCutDataset",
        "Visual Genome 1.2, both parts (https://homes.cs.washington.edu/~ranjay/visualgenome; CC BY 4.0)",
        "no licence file in the repository",
    ),
    "roborefit": Source(
        "RoboRefIt",
        "instructions for a robot about objects in cluttered indoor scenes",
        "https://github.com/luyh20/VL-Grasp",
        "",
        "code MIT; none stated for the data",
    ),
    "ocid-ref": Source(
        "OCID-Ref",
        "generated phrases about objects in clutter",
        "https://github.com/lluma/OCID-Ref",
        f"{_OCID}; its page states the terms",
        "MIT",
    ),
    "ocid-vlg": Source(
        "OCID-VLG",
        "generated phrases about objects in clutter, with grasps (which are not read)",
        "https://github.com/gtziafas/OCID-VLG",
        "",
        "no licence file in the repository; built on OCID, OCID-Grasp and OCID-Ref",
    ),
    "voc": Source(
        "PASCAL VOC 2012",
        "photographs with 20 categories, as semantic masks or objects",
        "http://host.robots.ox.ac.uk/pascal/VOC/voc2012",
        "",
        "images under Flickr's terms of use",
    ),
    "coco": Source(
        "COCO",
        "photographs with 80 categories, as objects or semantic masks",
        "https://cocodataset.org/#download",
        "",
        "annotations CC BY 4.0; images under Flickr's terms of use",
    ),
    "shimrie": Source(
        "Matterport3D and REVERIE, of which SHIMRIE is made",
        "long instructions in scanned homes",
        "https://niessner.github.io/Matterport and https://github.com/YuankaiQi/REVERIE",
        "",
        "Matterport3D by signed agreement; no licence file in REVERIE's repository",
    ),
}
"""The public datasets by the ``mdsm-data`` command that reads them."""


def where(command: str) -> str:
    """Where the files of a command's dataset can be had, in one sentence for its help."""
    source = SOURCES[command]
    images = f" Images: {source.images}." if source.images else ""
    return f"Files: {source.address}.{images} Licence: {source.licence}."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares no options."""


def run(args: argparse.Namespace) -> int:
    """Prints the datasets; returns the exit status."""
    for command, source in SOURCES.items():
        print(f"{source.title}: {source.content}\n  mdsm-data {command} --help\n  {where(command)}\n")
    print("Licences are as the authors state them. Read the terms before you use a dataset.")
    return 0
