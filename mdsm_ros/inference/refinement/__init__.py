"""The second stage: initial masks become refined ones, in the time that there is."""
