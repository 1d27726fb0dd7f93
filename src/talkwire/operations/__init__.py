"""The operations of the chat, one row for each: by which route and by which event clients ask for it, what it answers,
and what it is called."""
