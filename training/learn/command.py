"""From a recording of a place to a model that is better there.

The steps are: pick frames that are worth a label, propose masks, label them, split them by time and mix them with what
the model knows, train, calibrate, and compare the new model with the old one on frames that were held out. Each step
is done once. A run that was interrupted resumes; a step whose inputs have changed is done again. Without labels the
frames are written. --page opens the page for labels (mdsm web); the next run without it learns from them.

Exit code 0: the new model is better, or there are frames to label. 1: it is not shown to be better. 2: something that
you can put right.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdsm_ros.arguments import count, natural
from mdsm_ros.commands.options import check_model
from mdsm_ros.commands.web.command import PORT, port_number
from mdsm_ros.errors import CommandError
from training.learn.options import CORRECTIONS, FRAMES, HELD_OUT, LearnOptions, Places

if TYPE_CHECKING:
    from training.learn.steps import Facts, Step

NOT_BETTER = 1  # exit code
LABELS_PER_FRAME = 4  # on the page; some can be left open
ANNOTATIONS_FILE = "annotations.json"  # as in the dataset's module, which imports numpy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("source", type=Path, help="recording, folder of images, or folder of keep_hard_frames")
    parser.add_argument("--out", type=Path, required=True, help="folder of all results; an interrupted run resumes")
    parser.add_argument("--labels", type=Path, help="labels: a dataset, or a COCO export of a labelling tool")
    parser.add_argument(
        "--page", action="store_true", help="open the page for labels, on this machine only; Ctrl-C ends"
    )
    parser.add_argument("--port", type=port_number, help=f"port of the page; 0 takes any (default: {PORT})")
    parser.add_argument("--frames", type=count, default=FRAMES, help="most frames to label (default: %(default)s)")
    parser.add_argument(
        "--model", default="mdsm-small", help="model to start from: name, folder or hub id (default: %(default)s)"
    )
    parser.add_argument("--teacher", metavar="MODEL", help="model that proposes masks, for example grounded-sam2")
    parser.add_argument("--image", metavar="TOPIC", help="topic of the camera (default: the only one of its type)")
    said = parser.add_mutually_exclusive_group()
    said.add_argument(
        "--instruction-topic", metavar="TOPIC", help="topic of the instructions (default: the only String)"
    )
    said.add_argument("--instruction", metavar="TEXT", help="in force all the time, instead of the recording's")
    parser.add_argument("--mix", type=Path, metavar="DATASET", help="what the model was trained on, or a part of it")
    parser.add_argument(
        "--held-out", type=_fraction, default=HELD_OUT, help="fraction of the frames to measure on (%(default)s)"
    )
    parser.add_argument(
        "--config",
        type=Path,
        help="training configuration (default: mdsm-lab.yaml of config/train, for public models public-lab.yaml)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 … (default: %(default)s)")
    parser.add_argument("--seed", type=natural, help="seed of everything that is drawn (default: that of --config)")


def _fraction(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(f"{text} is out of range, expected more than 0 and less than 1")
    return value


def run(args: argparse.Namespace) -> int:
    """Runs the steps; returns the exit code."""
    values = {name: getattr(args, name) for name in LearnOptions.__dataclass_fields__}
    options, session = LearnOptions(**values), Places(args.out).session
    if args.page and args.labels is not None:
        raise CommandError("--labels and --page are both given, expected one of them")
    if args.labels is not None and args.teacher is not None:
        raise CommandError(f"--teacher is {args.teacher!r}, expected none with --labels: it proposes masks to label")
    if args.port is not None and not args.page:
        raise CommandError(f"--port is {args.port}, expected it only with --page")
    if args.labels is None and not args.page and (session / ANNOTATIONS_FILE).exists():
        options = replace(options, labels=session)
    port = PORT if args.port is None else args.port
    return learn(options, port=port if args.page else None)


def learn(options: LearnOptions, *, port: int | None = None) -> int:
    """Runs the steps whose inputs exist; returns the exit code.

    Args:
        options: Options of the run.
        port: Port of the page for labels, opened once there are frames to label; None: no page.

    Raises:
        MdsmError: An option, the recording, the labels or a model cannot be used.
    """
    from mdsm_ros.extras import require
    from mdsm_ros.inference.answer import validate_instruction

    if options.instruction is not None:
        validate_instruction(options.instruction)
    for name in (options.model, options.teacher):
        if name is not None:
            check_model(name)
    require("accelerate", "tensorboard", "yaml", purpose="mdsm learn")
    if port is not None:
        require("gradio", purpose="mdsm learn --page")  # before the minutes that the frames take
    _expect_apart(options.source, Places(options.out))
    from training.learn.steps import run_steps
    from training.learn.tune import training_config

    config = training_config(options.config, options.model, options.seed, options.device)
    work = _Work(options, config)
    places = Places(options.out)
    if options.labels is None:
        run_steps(options.out, work.before_labels())
        return _say_how_to_label(places) if port is None else _open_page(options, places, port)
    facts = run_steps(options.out, [*work.with_labels(), *work.after_labels()])
    report = facts["report"]
    from training.learn.report import BETTER, report_text

    print(report_text(report["rows"], report["verdict"], options.model, places.model))
    print(f"\n{places.report}", file=sys.stderr)
    return 0 if report["verdict"] == BETTER else NOT_BETTER


def _expect_apart(source: Path, places: Places) -> None:
    """Checks that no result would be written into the source, and that the source is no result.

    Raises:
        CommandError: The results would change their own source, and every run would begin anew.
    """
    real, out = source.resolve(), places.out.resolve()
    if out.is_relative_to(real):
        raise CommandError(f"--out is {str(places.out)!r}, expected a folder outside of {str(source)!r}")
    for result in places.rewritten:
        if real.is_relative_to(result.resolve()):
            raise CommandError(f"source is {str(source)!r}, expected none of the results in {str(places.out)!r}")


def _open_page(options: LearnOptions, places: Places, port: int) -> int:
    """Serves the labelling page until Ctrl-C."""
    from mdsm_ros.commands.web.command import WebOptions, open_page

    then = f"then run the same command without --page and --port: {places.out}"
    print(f"Label the frames, end with Ctrl-C, {then}", file=sys.stderr)
    teacher = options.teacher or options.model
    web = WebOptions(
        port=port,
        model=teacher,
        device=options.device,
        label=places.frames / "images",
        notes=places.frames / CORRECTIONS,
        out=places.session,
        labels_per_frame=LABELS_PER_FRAME,
        live=False,
    )
    return open_page(web)


def _say_how_to_label(places: Places) -> int:
    print(f"{places.frames / 'images'} holds the frames to label, {places.proposals} the model's masks in COCO's form.")
    print("Label them on the page of --page, or with any tool that exports COCO; give its export with --labels.")
    return 0


class _Work:
    """The steps and their inputs.

    Args:
        options: Options of the run.
        config: Training configuration, see :func:`training.learn.tune.training_config`.
    """

    def __init__(self, options: LearnOptions, config: Any) -> None:
        from training.learn.frames import open_frames

        self.options, self.config, self.places = options, config, Places(options.out)
        self.frames = open_frames(options)
        self.done: dict[str, Facts] = {}

    def before_labels(self) -> list[Step]:
        """Returns the steps before labelling."""
        from training.learn.steps import Step

        teacher = {"teacher": self.options.teacher or self.options.model}
        return [self._picking(), Step("proposals", teacher, self._propose)]

    def with_labels(self) -> list[Step]:
        """Returns the same steps if labels exist: without proposals."""
        return [self._picking()]

    def _picking(self) -> Step:
        from training.learn.steps import Step

        options = self.options
        inputs = {
            "source": self.frames.mark,
            "topics": [options.image, options.instruction_topic],
            "instruction": options.instruction,
            "frames": options.frames,
            "model": _model_mark(options.model),
        }
        return Step("frames", inputs, self._pick)

    def after_labels(self) -> list[Step]:
        """Returns the steps that need labels."""
        from training.learn.labels import labels_mark
        from training.learn.steps import Step
        from training.learn.tune import NEW_SHARE, PART_SHARES

        options = self.options
        assert options.labels is not None
        mix = None if options.mix is None else labels_mark(options.mix)
        return [
            Step("labels", {"labels": labels_mark(options.labels)}, self._label),
            Step("data", {"held out": options.held_out, "mix": mix, "seed": self.config.seed}, self._mix),
            Step("training", {"config": repr(self.config)}, self._train),
            Step("model", {"share of the new weights": NEW_SHARE, "of parts": PART_SHARES}, self._calibrate),
            Step("report", {}, self._report),
        ]

    def _pick(self) -> Facts:
        from mdsm_ros.segmenter import Segmenter
        from training.learn.labels import labelled_names
        from training.learn.pick import write_frames

        options = self.options
        among = None if options.labels is None else labelled_names(options.labels)
        segmenter = Segmenter.from_pretrained(options.model, device=options.device)
        return {"frames": write_frames(self.places.frames, self.frames, segmenter, options.frames, among)}

    def _propose(self) -> Facts:
        from mdsm_ros.segmenter import Segmenter
        from training.learn.pick import read_frames
        from training.learn.proposals import write_proposals

        teacher = Segmenter.from_pretrained(self.options.teacher or self.options.model, device=self.options.device)
        frames = read_frames(self.places.frames)
        return {**write_proposals(self.places.proposals, self.places.frames, frames, teacher)}

    def _label(self) -> Facts:
        from training.learn.labels import write_labels
        from training.learn.pick import read_frames

        assert self.options.labels is not None
        frames = read_frames(self.places.frames)
        return {**write_labels(self.places.labels, self.options.labels, frames, self.places.frames)}

    def _mix(self) -> Facts:
        from training.learn.data import Mixing, write_data
        from training.learn.pick import read_frames
        from training.learn.tune import side_of

        options = self.options
        mixing = Mixing(options.held_out, side_of(self.config), options.mix, self.config.seed)
        return {**write_data(self.places.data, self.places.labels, read_frames(self.places.frames), mixing)}

    def _train(self) -> Facts:
        from training.learn.tune import train_model

        return train_model(self.places.training, self.places.data, self.config, self.options.device)

    def _calibrate(self) -> Facts:
        from training.learn.tune import average_with_old, calibrate_model

        training = self.places.training
        averaged = average_with_old(training / "averaged", training / "model", self.options.model)
        return calibrate_model(self.places.model, averaged, self.places.data, self.options.device)

    def _report(self) -> Facts:
        from training.learn.pick import read_frames
        from training.learn.report import write_report
        from training.learn.steps import MARKS, read_mark

        marks = {path.stem: read_mark(path) for path in sorted((self.options.out / MARKS).glob("*.json"))}
        before = {name: mark["facts"] for name, mark in marks.items() if mark is not None}
        models = (self.options.model, self.places.model)
        frames = read_frames(self.places.frames)
        return write_report(self.places.report, self.places.data, frames, models, self.options.device, before)


def _model_mark(name: str) -> str:
    """Returns a mark that distinguishes models of the same name."""
    from mdsm_ros.checkpoints.pretrained import model_folder
    from mdsm_ros.files import content_mark
    from mdsm_ros.models.families import published

    if name in published():
        return f"{name} {published()[name].sources}"
    return f"{Path(name).name} ({content_mark(model_folder(name))})"
