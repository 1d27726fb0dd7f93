"""The copies of other nodes' lists of connected users."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from talkwire.core.signals.node_users import NodeUsers, UserPlace

NODES = st.sampled_from(["n1", "n2", "n3"])
USERS = st.sampled_from(["alice", "bob", "carol"])
CONVERSATIONS = "abc"
PLACES = st.builds(
    UserPlace,
    st.booleans(),
    st.none() | st.lists(st.sampled_from(CONVERSATIONS), unique=True).map(tuple),
)


class Copies(RuleBasedStateMachine):
    """Whatever happens to the copies, the nodes of each conversation are those of the users who share it."""

    def __init__(self) -> None:
        super().__init__()
        self.users = NodeUsers()

    @rule(node_id=NODES, version=st.integers(0, 9), places=st.dictionaries(USERS, PLACES))
    def replace(self, node_id: str, version: int, places: dict[str, UserPlace]) -> None:
        self.users.replace(node_id, version, places)

    @rule(node_id=NODES)
    def drop(self, node_id: str) -> None:
        self.users.drop(node_id)

    @precondition(lambda self: self.users.node_ids)
    @rule(data=st.data(), user_id=USERS, place=st.none() | PLACES)
    def set(self, data: st.DataObject, user_id: str, place: UserPlace | None) -> None:
        self.users.set(data.draw(st.sampled_from(sorted(self.users.node_ids))), user_id, place)

    @invariant()
    def nodes_of_a_conversation_are_those_of_its_users(self) -> None:
        for conversation_id in CONVERSATIONS:
            expected = {
                node_id
                for node_id in self.users.node_ids
                for place in self.users.on(node_id).values()
                if conversation_id in (place.circle_ids or ())
            }
            assert self.users.nodes_of(conversation_id) == expected
        assert len(self.users._nodes_of) <= len(CONVERSATIONS)
        if not self.users.node_ids:
            assert not self.users._nodes_of
            assert not self.users._alone


TestCopies = Copies.TestCase
TestCopies.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
