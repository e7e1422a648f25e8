"""Makes sentences about images with known boxes and masks.

A :class:`~training.photos.speech.scene.PictureScene` contains the objects of an image; a
:class:`~training.photos.speech.speaker.Speaker` makes sentences about it. Every sentence is based on a
:class:`~training.photos.speech.queries.Query`, which is evaluated on the scene: it clearly means one object, or none.
"""
