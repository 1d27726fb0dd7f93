"""Link previews: fetches the pages that messages link to, and stores their titles, descriptions and pictures.

The node that accepted a message fetches its links in the background, after the message was stored. If the node stops
before it has fetched a link, the link is not fetched again: the message then has no preview.
"""
