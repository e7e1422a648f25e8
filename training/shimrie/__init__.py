"""SHIMRIE: object segmentation from manipulation instructions, built from Matterport3D and REVERIE.

``../datasets/reverie.py`` reads the instructions, ``matterport`` reads the scans, ``views`` defines the 36 cameras of a
viewpoint, ``skybox`` makes their images, and ``raycast`` finds the objects at their pixels; ``build`` is the command.
"""
