"""The demo: the real node as its own process, fed with a recording or a video through real DDS; and photographs.

``../recordings/playback.py`` and ``video.py`` say what is sent and when, ``../ros/players/demo_player.py`` sends it and
collects the answers, ``score.py`` compares them with what was sent, ``report.py`` writes pictures and tables,
``run.py`` puts it together. ``make_bag.py`` makes the recording that comes with the package. ``photographs.py`` answers
instructions about photographs without node and ROS; six of them come with the package.
"""

from pathlib import Path

BUNDLED_BAG = Path(__file__).parent / "bag"
BUNDLED_PHOTOGRAPHS = Path(__file__).parent / "photographs"  # a dataset folder, and credits
