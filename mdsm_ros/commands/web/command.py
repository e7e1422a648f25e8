"""Opens one local page in a browser: try a model, watch a running node, label frames, browse a data set."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdsm_ros.arguments import count
from mdsm_ros.commands.options import add_model_arguments, check_model, load_segmenter
from mdsm_ros.errors import CommandError

if TYPE_CHECKING:
    from mdsm_ros.commands.web.labelling.frames import Frames

HOST, PORT = "127.0.0.1", 7860
OF_RECORDINGS = ("every", "image", "instruction_topic")  # options about the frames of a recording
OF_LABELS = (*OF_RECORDINGS, "labels_per_frame", "instruction", "split")


@dataclass(frozen=True)
class WebOptions:
    """The page's contents and address.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one.
        model: Name, folder or hub id of the model.
        device: Device of the model.
        label: Recording, or folder of images, to label.
        out: Dataset folder of the labels.
        every: Distance between used images of a recording; 1 uses every image.
        notes: Folder of the notes of kept frames; None: they are beside the images.
        labels_per_frame: Number of labels for each frame, each about another object.
        image: Topic of the camera; None: the only one of its type.
        instruction_topic: Topic of the instructions; None: the only String.
        instruction: Instruction for every frame; "" for the recording's instructions.
        split: Split of the labels.
        dataset: Dataset to browse.
        live: Whether the page has the tab of running nodes.
    """

    host: str = HOST
    port: int = PORT
    model: str = "mdsm-small"
    device: str = "auto"
    label: Path | None = None
    out: Path | None = None
    every: int = 1
    notes: Path | None = None
    labels_per_frame: int = 1
    image: str | None = None
    instruction_topic: str | None = None
    instruction: str = ""
    split: str = "train"
    dataset: Path | None = None
    live: bool = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_address_arguments(parser)
    parser.add_argument("--label", type=Path, metavar="BAG_OR_FOLDER", help="recording or folder of pictures to label")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="data set folder of the labels; resumed if it exists"
    )
    parser.add_argument(
        "--every", type=count, default=1, help="label one of so many images of a recording (default: %(default)s)"
    )
    parser.add_argument(
        "--labels-per-frame", type=count, default=1, help="labels for each frame, for several objects (%(default)s)"
    )
    parser.add_argument("--image", metavar="TOPIC", help="topic of the camera (default: the only one of its type)")
    said = parser.add_mutually_exclusive_group()
    said.add_argument(
        "--instruction-topic", metavar="TOPIC", help="topic of the instructions (default: the only String)"
    )
    said.add_argument("--instruction", metavar="TEXT", default="", help="what to look for in every frame")
    parser.add_argument("--split", default="train", help="split of the labels (default: %(default)s)")
    parser.add_argument("--dataset", type=Path, metavar="FOLDER", help="data set to browse")
    add_model_arguments(parser, steps=False)


def add_address_arguments(parser: argparse._ActionsContainer) -> None:
    """Declares ``--host`` and ``--port``."""
    parser.add_argument("--host", default=HOST, help="address to listen on (default: %(default)s, this machine only)")
    parser.add_argument(
        "--port", type=port_number, default=PORT, help="port; 0 takes any that is free (default: %(default)s)"
    )


def port_number(text: str) -> int:
    """Reads a port of the command line, 0 to 65535."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is out of range, expected 0 to 65535")
    return port


def run(args: argparse.Namespace) -> int:
    """Serves the page until Ctrl-C."""
    from mdsm_ros.inference.answer import validate_instruction

    instruction = validate_instruction(args.instruction) if args.instruction else ""
    return open_page(
        WebOptions(
            host=args.host,
            port=args.port,
            model=args.model,
            device=args.device,
            label=args.label,
            out=args.out,
            every=args.every,
            labels_per_frame=args.labels_per_frame,
            image=args.image,
            instruction_topic=args.instruction_topic,
            instruction=instruction,
            split=args.split,
            dataset=args.dataset,
        )
    )


def open_page(options: WebOptions) -> int:
    """Serves a page until Ctrl-C; returns the exit code.

    Raises:
        MdsmError: An option, a folder or a recording cannot be used, or the port is taken.
    """
    from mdsm_ros.extras import require

    require("gradio", purpose="mdsm web")
    if (options.label is None) != (options.out is None):
        raise CommandError("--label and --out belong together, expected both or neither")
    if options.label is None:
        _expect_none(options, OF_LABELS, "with --label")
    check_model(options.model)
    from mdsm_ros.commands.web import server as serving

    with ExitStack() as stack:
        stack.enter_context(serving.ended_by_sigterm())
        listening = stack.enter_context(serving.listen(options.host, options.port))
        folder = stack.enter_context(serving.private_folder())
        serving.warn_of_others(options.host)
        blocks, looks = _build(options, stack)
        address = serving.address_of(listening)
        server = serving.make_server(blocks, looks, port=listening.getsockname()[1], host=options.host, folder=folder)
        print(f"{address} (Ctrl-C ends)", flush=True)  # the socket listens already: an early browser waits
        server.run(sockets=[listening])
    return 0


def _build(options: WebOptions, stack: ExitStack) -> tuple[Any, dict[str, Any]]:
    """Returns the page and its style; the stack closes everything that the page opened."""
    from mdsm_ros.commands.web.browsing.browser import Browser
    from mdsm_ros.commands.web.labelling.desk import LabelDesk
    from mdsm_ros.commands.web.labelling.frames import RepeatedFrames
    from mdsm_ros.commands.web.labelling.session import LabelSession
    from mdsm_ros.commands.web.shelf import ModelShelf, names_here
    from mdsm_ros.dataset.format import Dataset

    shelf = ModelShelf(names_here(options.model), lambda name: load_segmenter(name, options.device))
    desk = browser = link = None
    if options.dataset is not None:
        browser = Browser(Dataset(options.dataset), shelf)
    if options.label is not None and options.out is not None:
        _expect_apart(options.label, options.out)
        frames = open_frames(options)
        if options.labels_per_frame > 1:
            frames = RepeatedFrames(frames, options.labels_per_frame)
        session = LabelSession(frames, options.out, options.split)
        stack.callback(session.close)
        desk = LabelDesk(session, shelf)
    from mdsm_ros.commands.web.page import build_page, looks

    if options.live:
        from mdsm_ros.commands.web.live.link import Link

        link = Link()
        stack.callback(link.close)
    return build_page(shelf, desk=desk, browser=browser, link=link), looks()


def _expect_none(options: WebOptions, names: Sequence[str], where: str) -> None:
    """Checks that options that would have no effect are not given.

    Raises:
        CommandError: One is.
    """
    for name in names:
        value = getattr(options, name)
        if value != getattr(WebOptions, name):
            raise CommandError(f"--{name.replace('_', '-')} is {value!r}, expected it only {where}")


def _expect_apart(label: Path, out: Path) -> None:
    """Checks that the images of the labels would not replace the pictures, or be removed with a label.

    Raises:
        CommandError: They would.
    """
    if label.resolve() == (out / "images").resolve():
        raise CommandError(f"--out is {str(out)!r}, whose images are those of --label, expected another folder")


def open_frames(options: WebOptions) -> Frames:
    """Opens the frames of ``options.label``: a folder of images, or a recording.

    Raises:
        CommandError: No such file or folder exists, or an option is for recordings, and it is a folder of images.
        MdsmError: It cannot be read.
    """
    from mdsm_ros.commands.web.labelling.frames import BagFrames, FolderFrames
    from mdsm_ros.recordings.places import storage_files

    path = options.label
    assert path is not None
    if not path.exists():
        raise CommandError(f"--label is {str(path)!r}, which does not exist, expected a recording or a folder")
    if path.is_dir() and not (path / "metadata.yaml").exists() and not storage_files(path):
        _expect_none(options, OF_RECORDINGS, f"with a recording, and --label {path} is a folder of pictures")
        return FolderFrames(path, options.instruction, options.notes)
    return BagFrames(
        path,
        every=options.every,
        image=options.image,
        instruction_topic=options.instruction_topic,
        instruction=options.instruction,
    )
