"""Evaluation on a recording: every image of a rosbag2 bag is answered and, if possible, compared with the ground truth.

``frames.py`` reads the bag as a stream, ``answers.py`` runs the model and stores its answers line by line, so that a
killed run can resume; ``summary.py`` computes metrics, ``output_bag.py`` and ``../pictures/page.py`` write the
recording and the report; ``run.py`` runs all of it.
"""
