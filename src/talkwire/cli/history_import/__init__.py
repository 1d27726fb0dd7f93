"""The commands `talkwire import …`, which import users and messages of Slack, Mattermost or Rocket.Chat.

They send the content of an export to a running server over its REST API.

command.py      the three commands, and their output
source.py       the classes that represent any export: users, conversations, messages, files
archive.py      reads exports: folders and zip files, without unpacking them
slack.py, mattermost.py, rocketchat.py   each reads one format into a `Staging`
people.py       the users of an export, their ids on the server, and mentions of them
texts.py        converts other systems' markup to Markdown
emoji.py        converts names of emoji to emoji (`emoji_names.txt`, written by `tools/emoji_names.py`)
staging.py      a temporary database with everything to import, sorted
target.py       the receiving server, over REST
outgoing.py     sends the messages of a conversation, many in a request
run.py          one import: from the staging to the server
attached.py     opens attached files, from the export or downloaded
"""
