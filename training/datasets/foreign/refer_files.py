"""Reads the files of github lichengunc/refer as plain data: references, and COCO's records beside them.

Those of github henghuiding/gRefCOCO have the same form, and lists of annotations in their references.

The pickles come from Python 2. All operations of a pickle are checked before it is read: only those for lists,
dictionaries, texts and numbers are allowed, and none may request more memory than the file's size.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import MAX_SIDE, check_keys, is_integer, name_fault, parse_json, read_json, shown

MAX_PICKLE = 1 << 30  # bytes; the largest published file has 50 million
NO_TARGET = -1  # gRefCOCO's ann_id of a sentence whose target is not in view
MAX_SENTENCES = 10_000  # sentences about one object
PLAIN = {
    "PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP", "NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT",
    "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES",
    "SHORT_BINBYTES", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "LIST", "EMPTY_LIST", "APPEND", "APPENDS", "TUPLE",
    "EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "DICT", "EMPTY_DICT", "SETITEM", "SETITEMS", "GET", "BINGET",
    "LONG_BINGET", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE",
}  # fmt: skip
"""Operations of a pickle that make nothing but plain values."""


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise DatasetError(f"the pickle asks for {module}.{name}, expected plain lists, dictionaries and numbers")


def read_refs(path: Path) -> list[dict[str, Any]]:
    """Reads the references of a ``refs(...)`` file, pickle or JSON, and checks their fields.

    ``ann_id`` of the file is a number or, in gRefCOCO, a list of them, with -1 for "none". In the result, the field
    ``ann_ids`` is the list.

    Raises:
        DatasetError: The file is missing or damaged, requests a class or too much memory, or is not a list of
            references.
    """
    try:
        size = path.stat().st_size
        if size > MAX_PICKLE:
            raise DatasetError(f"has {size} bytes, expected at most {MAX_PICKLE}")
        content = path.read_bytes()
        refs = parse_json(content, path, DatasetError) if path.suffix == ".json" else _unpickle(content)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing, expected a refs file") from error
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    except Exception as error:  # a damaged pickle fails in many ways
        raise DatasetError(f"{path} is damaged: {type(error).__name__}: {str(error)[:200]}") from error
    if not isinstance(refs, list):
        raise DatasetError(f"{path} does not hold a list of references, but {type(refs).__name__}")
    seen: set[int] = set()
    for number, ref in enumerate(refs):
        where = f"{path} does not hold a list of references: number {number}"
        _check_ref(ref, where)
        ref["ann_ids"] = [] if ref["ann_id"] in (NO_TARGET, [NO_TARGET]) else _listed(ref["ann_id"])
        if ref["ref_id"] in seen:
            raise DatasetError(f"{where} has ref_id {ref['ref_id']}, which an earlier one has")
        seen.add(ref["ref_id"])
    return refs


def _unpickle(content: bytes) -> Any:
    for operation, argument, _ in pickletools.genops(content):
        if operation.name in ("GLOBAL", "STACK_GLOBAL", "INST"):
            what = str(argument).replace(" ", ".") if argument else "a class"
            raise DatasetError(f"the pickle asks for {what}, expected plain lists, dictionaries and numbers")
        if operation.name not in PLAIN:
            raise DatasetError(f"the pickle uses {operation.name}, expected plain lists, dictionaries and numbers")
        if operation.name in ("PUT", "LONG_BINPUT", "BINPUT") and not is_integer(argument, 0, len(content)):
            raise DatasetError(f"the pickle numbers a value {shown(argument)}, expected at most {len(content)}")
    return _PlainUnpickler(io.BytesIO(content), encoding="latin1").load()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_ref(ref: object, where: str) -> None:
    record = check_keys(ref, ("ref_id", "ann_id", "image_id", "split", "sentences"), where, DatasetError)
    for name in ("ref_id", "image_id"):
        if not is_integer(record[name]):
            raise DatasetError(f"{where}: {name} is {shown(record[name])}, expected a whole number")
    targets = _listed(record["ann_id"])
    if not targets or not all(map(is_integer, targets)) or len(set(targets)) < len(targets):
        raise DatasetError(f"{where}: ann_id is {shown(record['ann_id'])}, expected a whole number or a list of them")
    if not isinstance(record["split"], str) or not record["split"]:
        raise DatasetError(f"{where}: split is {shown(record['split'])}, expected its name")
    sentences = record["sentences"]
    if not isinstance(sentences, list) or len(sentences) > MAX_SENTENCES:
        raise DatasetError(f"{where}: sentences is {shown(sentences)}, expected a list of at most {MAX_SENTENCES}")
    for position, sentence in enumerate(sentences):
        place = f"{where}: sentences[{position}]"
        values = check_keys(sentence, ("sent_id",), place, DatasetError)
        texts = [values[name] for name in ("raw", "sent") if name in values]
        if not is_integer(values["sent_id"]) or not texts or not all(isinstance(text, str) for text in texts):
            raise DatasetError(f"{place} is {shown(sentence)}, expected a number 'sent_id' and a text 'raw' or 'sent'")


def read_instances(path: Path) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]], dict[int, str]]:
    """Reads images and annotations by id, and the names of the categories, from ``instances.json``.

    Raises:
        DatasetError: The file is missing, is not in COCO format, or uses an id twice.
    """
    content = read_json(path, DatasetError, "COCO's records")
    lists = check_keys(content, ("images", "annotations", "categories"), str(path), DatasetError)
    images, objects, categories = (_by_id(lists, key, path) for key in ("images", "annotations", "categories"))
    for image in images.values():
        _check_image(image, f"{path}: image {image['id']}")
    for category in categories.values():
        if not isinstance(category.get("name"), str) or not category["name"]:
            raise DatasetError(f"{path}: category {category['id']} has no name")
    for thing in objects.values():
        where = f"{path}: annotation {thing['id']}"
        for name, known in (("image_id", images), ("category_id", categories)):
            if not is_integer(thing.get(name)) or thing[name] not in known:
                raise DatasetError(f"{where}: {name} is {shown(thing.get(name))}, expected one that is there")
        if not is_integer(thing.get("iscrowd", 0), 0, 1):
            raise DatasetError(f"{where}: iscrowd is {shown(thing['iscrowd'])}, expected 0 or 1")
    return images, objects, {key: category["name"] for key, category in categories.items()}


def _by_id(lists: Mapping[str, Any], key: str, path: Path) -> dict[int, dict[str, Any]]:
    if not isinstance(lists[key], list):
        raise DatasetError(f"{path}: {key!r} is {shown(lists[key])}, expected a list")
    found: dict[int, dict[str, Any]] = {}
    for number, record in enumerate(lists[key]):
        where = f"{path}: {key}[{number}]"
        values = check_keys(record, ("id",), where, DatasetError)
        if not is_integer(values["id"]):
            raise DatasetError(f"{where}: id is {shown(values['id'])}, expected a whole number")
        if values["id"] in found:
            raise DatasetError(f"{where} has id {values['id']}, which an earlier one has")
        found[values["id"]] = values
    return found


def _check_image(image: Mapping[str, Any], where: str) -> None:
    for side in ("width", "height"):
        if not is_integer(image.get(side), 1, MAX_SIDE):
            raise DatasetError(f"{where}: {side} is {shown(image.get(side))}, expected 1 to {MAX_SIDE} pixels")
    fault = name_fault(image.get("file_name"))
    if fault is not None:
        raise DatasetError(f"{where}: file_name {shown(image.get('file_name'))} {fault}")
