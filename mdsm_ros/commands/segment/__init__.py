"""``mdsm segment``: one instruction about images, folders, videos and cameras."""
