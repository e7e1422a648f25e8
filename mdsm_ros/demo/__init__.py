"""The demo: the real node as its own process, fed with a recording or a video through real DDS; and photographs.

``../recordings/playback.py`` and ``video.py`` decide what is sent and when, ``../ros/players/demo_player.py`` sends it
and collects the answers, ``score.py`` compares them with the ground truth, ``report.py`` writes images and tables, and
``run.py`` runs all of it. ``make_bag.py`` makes the recording in the package. ``photographs.py`` answers instructions
about photographs without node and ROS; the package contains six.
"""

from pathlib import Path

BUNDLED_BAG = Path(__file__).parent / "bag"
BUNDLED_PHOTOGRAPHS = Path(__file__).parent / "photographs"  # a dataset folder, and credits
