"""Counts in the database how often a checkpoint of a stream is stored."""

from __future__ import annotations

from rigs.torture.cluster.place import Place

_COUNTING = "CREATE TABLE renewals (until_ms BIGINT)"
_COUNTING_ON_SQLITE = """CREATE TRIGGER renewed AFTER UPDATE OF until_ms ON streams
    BEGIN INSERT INTO renewals VALUES (NEW.until_ms); END"""
_COUNTING_ON_POSTGRESQL = (
    """CREATE FUNCTION note_renewal() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO renewals VALUES (NEW.until_ms); RETURN NULL; END $$""",
    "CREATE TRIGGER renewed AFTER UPDATE OF until_ms ON streams FOR EACH ROW EXECUTE FUNCTION note_renewal()",
)


def count_checkpoints(place: Place) -> None:
    """Makes the database count from now on how often a checkpoint, which renews a lease, is stored."""
    for statement in (_COUNTING, *(_COUNTING_ON_POSTGRESQL if place.postgresql else (_COUNTING_ON_SQLITE,))):
        place.query(statement)


def checkpoints(place: Place) -> int:
    """Returns how many checkpoints were stored since `count_checkpoints`."""
    ((number,),) = place.query("SELECT count(*) FROM renewals")
    return int(number)
