"""`talkwire-agent`: makes a language model behind an API like OpenAI's a member of conversations.

A file of tools imports the decorator from here:

from talkwire_agent import needs_approval

@needs_approval
def refund(order: int, amount: float) -> str:
    "Refunds an order."
"""

from talkwire_agent.tools import needs_approval

__all__ = ["needs_approval"]
