"""SHIMRIE: object segmentation from manipulation instructions, built from Matterport3D and REVERIE.

``../datasets/reverie.py`` reads who asks for what from where, ``matterport`` the scans, ``views`` knows the 36 cameras
of a viewpoint, ``skybox`` gives their pictures and ``raycast`` the objects at their pixels; ``build`` is the command.
"""
