"""Socket.IO namespaces for chat: sign clients in, turn the events that they send in their dialect (their event
vocabulary) into commands of the chat, and send the replies.
"""
