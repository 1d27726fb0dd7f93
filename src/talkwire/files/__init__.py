"""Uploaded files: their bytes, from the first that arrives to the download. What is known of them is in the database.

tus.py              what the headers of the tus protocol say
partials.py         the bytes of uploads that are still on their way
sniffing.py         what a file is, by its bytes
image_worker.py     pictures made safe, in a process of their own; images.py starts it
byte_store.py       the bytes of finished files: folder.py and bucket.py (S3) keep them
uploads.py          from the first byte to the finished file
sweeper.py          removes what nobody waits for any more
"""
