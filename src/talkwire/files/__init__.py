"""Uploaded files: receives, checks, stores and serves their bytes. Their names, types and owners are in the database.

tus.py              the headers of the tus protocol
partials.py         the bytes of unfinished uploads
sniffing.py         detects a file's type by its bytes
image_worker.py     makes pictures safe, in a process of its own; images.py starts it, through worker_processes.py
thumbnails.py       makes the thumbnails of a decoded picture, in the same process
metadata/           copies pictures that are not decoded, without their metadata
byte_store.py       the bytes of finished files: stored by folder.py and bucket.py (S3)
uploads.py          from the first byte to the finished file
sweeper.py          removes expired uploads and bytes that no file needs
"""
