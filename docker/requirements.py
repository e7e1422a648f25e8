"""Prints the requirements of mdsm_ros and of some of its extras, one a line, for ``pip install --requirement``.

Among them is what computes a model: PyTorch, unless the extra ``onnx`` or ``openvino`` is named. colcon installs the
package itself; pip would install it a second time into the virtual environment. Needs of this package only
``extras.py`` and what that imports.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mdsm_ros.extras import BASE, EXTRAS, ROS

RUNTIMES = ("torch", "onnx", "openvino")  # extras that can run a model


def main() -> int:
    """Prints them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = sorted(EXTRAS.keys() - {BASE, ROS})
    parser.add_argument("extras", nargs="*", choices=[[], *names], metavar="EXTRA", help=f"some of {', '.join(names)}")
    parser.add_argument("--without", action="append", default=[], metavar="MODULE", help="module that is there already")
    args = parser.parse_args()
    runtime = [] if set(args.extras) & set(RUNTIMES) else RUNTIMES[:1]
    wanted = {module: needed for extra in (BASE, *runtime, *args.extras) for module, needed in EXTRAS[extra].items()}
    unknown = set(args.without) - wanted.keys()
    if unknown:
        parser.error(f"--without is {', '.join(sorted(unknown))}, expected some of {', '.join(wanted)}")
    print("\n".join(needed for module, needed in wanted.items() if module not in args.without))
    return 0


if __name__ == "__main__":
    sys.exit(main())
