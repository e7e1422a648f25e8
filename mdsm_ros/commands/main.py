"""The ``mdsm`` command. Heavy libraries are imported by the subcommand that needs them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdsm_ros.arguments import image_size, positive_number
from mdsm_ros.demo import BUNDLED_BAG
from mdsm_ros.errors import CommandError, DemoError, MdsmError
from mdsm_ros.inference.threads import import_torch_for_one_answer

if TYPE_CHECKING:
    from mdsm_ros.inference.answer import Segmentation
    from mdsm_ros.segmenter import Segmenter

USER_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; returns the exit code, 2 for anything the user can put right."""
    args = _parser().parse_args(_without_ros_arguments(sys.argv[1:] if argv is None else argv))
    try:
        return int(args.run(args))
    except (MdsmError, OSError) as error:
        return _fail(error)
    except KeyboardInterrupt:
        return 130


def _fail(error: Exception) -> int:
    print(f"mdsm: error: {error}", file=sys.stderr)
    return USER_ERROR


def _without_ros_arguments(argv: Sequence[str]) -> list[str]:
    """Leaves out what ``ros2 launch`` adds for nodes: from --ros-args to -- or the end."""
    if "--ros-args" not in argv:
        return list(argv)
    first = argv.index("--ros-args")
    rest = list(argv[first:])
    return [*argv[:first], *(rest[rest.index("--") + 1 :] if "--" in rest else [])]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mdsm", description="The pixels of the object that a sentence talks about.")
    parser.add_argument("--version", action="version", version=f"mdsm_ros {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    segment = commands.add_parser("segment", help="answer one instruction on one picture")
    segment.add_argument("image", type=Path, help="picture, any format that Pillow reads")
    segment.add_argument("instruction", help='for example "get the pillow nearest to the radio"')
    _add_model_arguments(segment)
    segment.add_argument("--seed", type=int, default=0, help="seed of the refinement's noise (default: %(default)s)")
    segment.add_argument("--out", type=Path, help="where to write the overlay (default: IMAGE_overlay.png here)")
    segment.add_argument("--mask", type=Path, help="where to write the mask, 0 and 255 (default: not written)")
    segment.add_argument("--json", action="store_true", help="print the answer as one line of JSON")
    segment.set_defaults(run=_segment)

    attention = commands.add_parser("attention", help="show where a model looks for each word of an instruction")
    attention.add_argument("image", type=Path, help="picture, any format that Pillow reads")
    attention.add_argument("instruction", help='for example "get the pillow nearest to the radio"')
    _add_model_arguments(attention, steps=False)
    attention.add_argument("--out", type=Path, help="where to write the sheet (default: IMAGE_attention.png here)")
    attention.set_defaults(run=_attention)

    demo = commands.add_parser(
        "demo", help="replay a recording through the running node, which needs ROS; answer photographs"
    )
    demo.add_argument("--out", type=Path, default=Path("demo_output"), help="folder to write (default: %(default)s)")
    what = demo.add_mutually_exclusive_group()
    what.add_argument(
        "--bag", type=Path, help="rosbag2 recording (default: the one in this package, then its photographs)"
    )
    what.add_argument("--video", type=Path, help="any video instead of a recording")
    what.add_argument("--photographs", action="store_true", help="only this package's photographs; needs no ROS")
    demo.add_argument("--instruction", action="append", help="for --video; repeat it to change it on the way")
    demo.add_argument("--rate", type=positive_number, default=1.0, help="speed of the replay (default: %(default)s)")
    _add_model_arguments(demo)
    demo.set_defaults(run=_demo)

    replay = commands.add_parser("replay", help="evaluate a model on a recording")
    replay.add_argument("bag", type=Path, help="rosbag2 folder, .mcap or .db3 file")
    replay.add_argument("--out", type=Path, required=True, help="folder to write; a run that was ended goes on in it")
    replay.add_argument("--image", metavar="TOPIC", help="of the camera (default: the only one of its type)")
    right = replay.add_mutually_exclusive_group()
    right.add_argument("--truth", metavar="TOPIC", help="of the right masks (default: /ground_truth/mask)")
    right.add_argument("--labels", type=Path, metavar="FOLDER", help="dataset with right masks of some of the images")
    said = replay.add_mutually_exclusive_group()
    said.add_argument("--instruction-topic", metavar="TOPIC", help="of the instructions (default: the only String)")
    said.add_argument("--instruction", metavar="TEXT", help="in force all the time, instead of the recording's")
    replay.add_argument("--live", action="store_true", help="play it into the running node, as on a robot; needs ROS")
    replay.add_argument("--rate", type=positive_number, default=1.0, help="speed of --live (default: %(default)s)")
    replay.add_argument("--compare", metavar="MODEL", help="another model, to compare with --model frame by frame")
    replay.add_argument("--no-bag", action="store_true", help="do not write the recording with masks")
    _add_model_arguments(replay)
    replay.set_defaults(run=_replay)

    sim = commands.add_parser("sim", help="a simulated home as a live camera for the node; needs ROS and MuJoCo")
    sim.add_argument("--home", type=int, default=0, help="which home (default: %(default)s)")
    sim.add_argument(
        "--size", type=image_size, default=(640, 480), metavar="WxH", help="of the images (default: 640x480)"
    )
    sim.add_argument("--rate", type=positive_number, default=10.0, help="images a second (default: %(default)s)")
    sim.add_argument(
        "--speak",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="give an instruction every so many seconds (default: no)",
    )
    sim.add_argument(
        "--library",
        metavar="FOLDER",
        help="library of models that furnish the home; none: procedural objects (default: the one in the cache)",
    )
    sim.add_argument(
        "--camera",
        choices=("real", "ideal"),
        default="real",
        help="real: blur, noise, exposure, colours and JPEG of a camera; ideal: as rendered (default: %(default)s)",
    )
    sim.set_defaults(run=_sim)

    bench = commands.add_parser("bench", help="measure the latency of a model on this machine")
    _add_model_arguments(bench)
    bench.add_argument("--runs", type=_count, default=50, help="answers to time (default: %(default)s)")
    bench.add_argument(
        "--acceleration",
        nargs="+",
        default=["none"],
        metavar="HOW",
        help="none, half, compile, auto; several are compared (default: none)",
    )
    bench.add_argument("--node", action="store_true", help="measure the running node as well; needs ROS")
    bench.add_argument(
        "--seconds", type=positive_number, default=10.0, help="that the node is measured (default: %(default)s)"
    )
    bench.add_argument(
        "--bag",
        type=Path,
        nargs="?",
        const=BUNDLED_BAG,
        help="steadiness of the masks on a recording (default: the demo's)",
    )
    bench.add_argument(
        "--rate", type=positive_number, default=30.0, help="images a second for it (default: %(default)s)"
    )
    bench.set_defaults(run=_bench)

    convert = commands.add_parser("convert", help="make a model of an official LAVT or VPD checkpoint")
    convert.add_argument("checkpoint", type=Path, help=".pth file; it is read as data and cannot run code")
    convert.add_argument("--out", type=Path, required=True, help="folder to write; --model takes it then")
    convert.add_argument("--type", choices=("lavt", "vpd"), help="of the checkpoint (default: by its content)")
    convert.add_argument(
        "--tokenizer",
        metavar="NAME",
        help="hub id or folder of the tokenizer, for VPD of CLIP's text encoder as well (default: the public ones)",
    )
    convert.set_defaults(run=_convert)

    models = commands.add_parser("models", help="list the models that have a name, and which are on this machine")
    models.set_defaults(run=_models)

    download = commands.add_parser("download", help="download public weights into the cache")
    download.add_argument("name", metavar="NAME", help="as mdsm models lists it, or a hub id")
    download.add_argument("--revision", help="branch, tag or commit (default: main)")
    download.set_defaults(run=_download)
    return parser


def _add_model_arguments(parser: argparse.ArgumentParser, *, steps: bool = True) -> None:
    parser.add_argument(
        "--model", default="mdsm-small", help="name (mdsm models), folder or hub id (default: %(default)s)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 … (default: %(default)s)")
    if steps:
        parser.add_argument(
            "--steps", type=_steps, help="refinement steps, 0 for the initial mask (default: the model's)"
        )


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _steps(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is not in 0 … 100")
    return value


def _version() -> str:
    try:
        return version("mdsm_ros")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "(not installed)"


def _segment(args: argparse.Namespace) -> int:
    import_torch_for_one_answer()
    from mdsm_ros.inference.answer import validate_instruction
    from mdsm_ros.pictures.files import read_picture, write_picture
    from mdsm_ros.pictures.overlay import draw_overlay

    instruction = validate_instruction(args.instruction)
    image = read_picture(args.image)
    segmenter = _load_segmenter(args.model, args.device)
    answer = segmenter.segment(image, instruction, num_inference_steps=args.steps, seed=args.seed)
    out = args.out or Path(f"{args.image.stem}_overlay.png")
    write_picture(out, draw_overlay(image, answer, instruction))
    if args.mask is not None:
        write_picture(args.mask, answer.mask.astype("uint8") * 255)
    summary = _summary(answer, instruction) | {"model": segmenter.name, "device": segmenter.device, "overlay": str(out)}
    print(json.dumps(summary) if args.json else _sentence(summary))
    return 0


def _attention(args: argparse.Namespace) -> int:
    import_torch_for_one_answer()
    from mdsm_ros.commands.attention import attention_sheet
    from mdsm_ros.inference.answer import validate_instruction
    from mdsm_ros.pictures.files import read_picture, write_picture

    instruction = validate_instruction(args.instruction)
    image = read_picture(args.image)
    out = args.out or Path(f"{args.image.stem}_attention.png")
    write_picture(out, attention_sheet(_load_segmenter(args.model, args.device), image, instruction))
    print(out)
    return 0


def _load_segmenter(model: str, device: str) -> Segmenter:
    from mdsm_ros.segmenter import Segmenter

    return Segmenter.from_pretrained(model, device=device)


def _summary(answer: Segmentation, instruction: str) -> dict[str, Any]:
    return {
        "instruction": instruction,
        "present": answer.present,
        "score": round(answer.score, 4),
        "stage": answer.stage,
        "pixels": int(answer.mask.sum()),
        "bbox": None if answer.box is None else list(answer.box),
        "timings": {name: round(seconds, 4) for name, seconds in answer.timings.items()},
    }


def _sentence(summary: dict[str, Any]) -> str:
    found = f"{summary['pixels']} pixels in {summary['bbox']} (x, y, width, height)"
    return (
        f"{found if summary['present'] else 'not in view'}, score {summary['score']:.2f}, {summary['stage']} "
        f"in {summary['timings']['total']:.2f} s on {summary['device']}; overlay: {summary['overlay']}"
    )


def _demo(args: argparse.Namespace) -> int:
    from mdsm_ros.demo.run import DemoOptions, run_bag, run_photographs, run_video

    options = DemoOptions(args.out, args.model, args.device, args.steps, args.rate)

    if args.video is None:
        if args.instruction:
            raise DemoError("--instruction goes with --video; a bag and the photographs bring their own instructions")
        status = 0 if args.photographs else run_bag(args.bag, options)
        if args.bag is None:
            status = run_photographs(options, _load_segmenter(args.model, args.device)) or status
        return status
    if not args.instruction:
        raise DemoError("--video needs at least one --instruction")
    return run_video(args.video, args.instruction, options)


def _replay(args: argparse.Namespace) -> int:
    from mdsm_ros.inference.answer import validate_instruction
    from mdsm_ros.replay.comparison import run_comparison
    from mdsm_ros.replay.options import ReplayOptions
    from mdsm_ros.replay.run import run_replay

    options = ReplayOptions(
        args.bag,
        args.out,
        image=args.image,
        instruction_topic=args.instruction_topic,
        instruction=None if args.instruction is None else validate_instruction(args.instruction),
        truth=args.truth,
        labels=args.labels,
        num_inference_steps=args.steps,
        live=args.live,
        rate=args.rate,
        write_bag=not args.no_bag,
    )
    if args.compare is None:
        return run_replay(options, _load_segmenter(args.model, args.device))
    return run_comparison(options, [_load_segmenter(name, args.device) for name in (args.model, args.compare)])


def _sim(args: argparse.Namespace) -> int:
    try:
        from mdsm_ros.ros.sim import main as run_sim
    except ImportError as error:
        raise CommandError(f"{error}; mdsm sim needs ROS 2 and the extra [sim]: pip install 'mdsm_ros[sim]'") from error
    width, height = args.size
    values = {"home": args.home, "width": width, "height": height, "rate": args.rate, "speak": args.speak}
    values["camera"] = args.camera
    if args.library is not None:
        values["library"] = args.library
    return run_sim(["--ros-args", *(part for item in values.items() for part in ("-p", "{}:={}".format(*item)))])


def _bench(args: argparse.Namespace) -> int:
    from mdsm_ros.commands.bench import latency_table

    print(
        latency_table(
            args.model,
            device=args.device,
            accelerations=args.acceleration,
            runs=args.runs,
            num_inference_steps=args.steps,
        )
    )
    if args.bag is not None:
        from mdsm_ros.replay.stability import stability_table

        print("\n" + stability_table(_load_segmenter(args.model, args.device), args.bag))
    if args.node:
        from mdsm_ros.commands.node_bench import find_profile, table

        parameters = {"model": args.model, "device": args.device, "acceleration": args.acceleration[0]}
        parameters |= {} if args.steps is None else {"num_inference_steps": args.steps}
        print("\n" + table(parameters, profile=find_profile(), seconds=args.seconds, rate=args.rate))
    return 0


def _convert(args: argparse.Namespace) -> int:
    try:
        from mdsm_ros.checkpoints.convert.run import convert
    except ImportError as error:  # before, its weights_only could be made to run code (CVE-2025-32434)
        raise CommandError(f"{error}; mdsm convert needs PyTorch 2.6 or newer") from error
    print(convert(args.checkpoint, args.out, kind=args.type, language=args.tokenizer))
    return 0


def _models(_: argparse.Namespace) -> int:
    from mdsm_ros.checkpoints.catalog import table

    print(table())
    return 0


def _download(args: argparse.Namespace) -> int:
    from mdsm_ros.checkpoints.download import download, find_repositories

    for repository in find_repositories(args.name, args.revision):
        print(f"{repository.name}: {download(repository)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
