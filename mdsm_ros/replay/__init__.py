"""Evaluation on a recording: every image of a rosbag2 bag is answered and compared with the truth, where there is one.

``frames.py`` reads the bag as a stream, ``answers.py`` asks the model and keeps what it says line by line, so that a
run goes on where it was killed; ``summary.py`` makes figures of it, ``output_bag.py`` and ``../pictures/page.py`` what
people look at; ``run.py`` puts it together.
"""
