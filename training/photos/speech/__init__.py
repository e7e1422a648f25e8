"""Speaking about pictures of which boxes and masks are known.

A :class:`~training.photos.speech.scene.PictureScene` holds the objects of a picture; a
:class:`~training.photos.speech.speaker.Speaker` makes sentences about it. Every sentence rests on a
:class:`~training.photos.speech.queries.Query`, which the scene judges anew: it means one object clearly, or none.
"""
