"""Training, evaluation and data sets of mdsm_ros; imports mdsm_ros, never the other way."""
