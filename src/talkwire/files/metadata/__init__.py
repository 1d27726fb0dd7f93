"""Copies pictures without their metadata, and without decoding them: for pictures that are not decoded, or cannot be.

removal.py          which format a file has; copies a file without its metadata
copying.py          what the formats share: writing parts of a file, reading numbers
jpeg.py, png.py, gif.py, webp.py    formats that are a row of blocks, which are kept or left out
tiff.py, heif.py    formats with offsets: what is not part of the picture is overwritten with zeros
orientation.py      the one value of EXIF that is kept
"""
