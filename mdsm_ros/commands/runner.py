"""Common code of all console commands: late imports, error messages, exit codes, and a quick end after Ctrl-C.

A command is a module with ``add_arguments(parser)`` and ``run(args)``, which returns the exit code or None for 0. The
module is imported when its command is chosen, so the import must be quick and must need no extra. ``run`` imports slow
or optional libraries.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from mdsm_ros.commands import interrupt
from mdsm_ros.errors import MdsmError
from mdsm_ros.extras import extra_of, missing_text

USER_ERROR = 2
NOBODY_READS = 141  # as after SIGPIPE


class CommandModule(Protocol):
    """The module of a command."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the options and arguments."""

    def run(self, args: argparse.Namespace) -> int | None:
        """Runs the command; returns the exit code."""


def run_commands(
    prog: str,
    description: str,
    commands: Mapping[str, tuple[str, str]],
    argv: Sequence[str] | None,
    add_options: Callable[[argparse.ArgumentParser], Any] | None = None,
) -> int:
    """Runs one of several commands; returns the exit code, 2 for errors that the user can correct.

    Args:
        prog: Name of the executable.
        description: Description of the executable.
        commands: Module and help text of each command, by name.
        argv: Arguments; None for those of this process, which then ends soon after Ctrl-C.
        add_options: Function that declares the options of the executable itself.
    """
    words = _words(argv)
    chosen = next((word for word in words if not word.startswith("-")), "")

    def parse() -> tuple[CommandModule, argparse.Namespace, str]:
        parser = argparse.ArgumentParser(prog=prog, description=description)
        if add_options is not None:
            add_options(parser)
        group = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
        module: CommandModule | None = None
        for name, (module_name, text) in commands.items():
            if name == chosen:
                module = _load(module_name)
                module.add_arguments(_add_parser(group, name, module, text))
            else:
                group.add_parser(name, help=text)
        args = parser.parse_args(words)
        assert module is not None  # parse_args exits if no command was chosen
        return module, args, f"{prog} {chosen}"

    return _run(prog, parse, as_process=argv is None)


def run_command(prog: str, module_name: str, argv: Sequence[str] | None) -> int:
    """Runs an executable with one command.

    Args:
        prog: Name of the executable.
        module_name: Module of the command.
        argv: Arguments, as for :func:`run_commands`.
    """

    def parse() -> tuple[CommandModule, argparse.Namespace, str]:
        module = _load(module_name)
        parser = argparse.ArgumentParser(
            prog=prog, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        module.add_arguments(parser)
        return module, parser.parse_args(_words(argv)), prog

    return _run(prog, parse, as_process=argv is None)


def _run(prog: str, parse: Callable[[], tuple[CommandModule, argparse.Namespace, str]], *, as_process: bool) -> int:
    if as_process:
        interrupt.watch()
        _print_anything()
    code = _exit_code(prog, parse)
    if as_process and (code == interrupt.INTERRUPTED or interrupt.was_interrupted()):
        interrupt.end(interrupt.INTERRUPTED)
    return code


def _exit_code(prog: str, parse: Callable[[], tuple[CommandModule, argparse.Namespace, str]]) -> int:
    purpose = prog
    try:
        module, args, purpose = parse()
        code = int(module.run(args) or 0)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # as in: mdsm models | head -1
        sys.stdout = sys.stderr
        return NOBODY_READS
    except (MdsmError, OSError) as error:
        return _fail(prog, str(error))
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        try:
            extra_of(missing)
        except KeyError:
            raise error from None  # not a package of an extra: a mistake in this package
        return _fail(prog, missing_text([missing], purpose))
    except KeyboardInterrupt:
        return interrupt.INTERRUPTED


def _fail(prog: str, text: str) -> int:
    print(f"{prog}: error: {text}", file=sys.stderr)
    return USER_ERROR


def _load(module_name: str) -> CommandModule:
    return cast(CommandModule, import_module(module_name))


def _add_parser(group: Any, name: str, module: CommandModule, text: str) -> argparse.ArgumentParser:
    return cast(argparse.ArgumentParser, group.add_parser(name, help=text, description=module.__doc__))


def _words(argv: Sequence[str] | None) -> list[str]:
    """The arguments without those that ``ros2 launch`` adds for nodes, from --ros-args to -- or the end."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "--ros-args" not in words:
        return words
    first = words.index("--ros-args")
    rest = words[first:]
    return [*words[:first], *(rest[rest.index("--") + 1 :] if "--" in rest else [])]


def _print_anything() -> None:
    """Makes print write escapes for characters that a terminal or a file cannot encode."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
