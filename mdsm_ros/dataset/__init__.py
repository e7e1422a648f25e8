"""The dataset format on disk: reading, writing, and the metrics of masks."""
