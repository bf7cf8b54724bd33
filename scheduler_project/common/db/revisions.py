"""Revisions: each change of a row gives it the next number, so that programs can read what changed since.

Numbers are given before the commit, so a smaller one may become visible later than a greater one. `safe_revision` is
the number up to which nobody can still commit.
"""

from typing import Any, cast

from django.db import connection, migrations, models

# The ORM has no triggers, sequences and advisory locks. 1380275795 is the first number of the locks that name, modulo
# 2^31, the latest revision before a transaction's first one.
FUNCTIONS = """
CREATE SEQUENCE scheduler_revision;

CREATE FUNCTION scheduler_latest_revision() RETURNS bigint LANGUAGE sql VOLATILE AS
    'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM scheduler_revision';

-- Gives a row its revision. Before its first one, a transaction says by a lock where it began: locks can be seen from
-- outside while its rows cannot. There is one per transaction, or large changes would fill the table of locks.
CREATE FUNCTION scheduler_revise() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    own CONSTANT text := pg_current_xact_id()::text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.revision := OLD.revision;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    IF current_setting('scheduler.revising', true) IS DISTINCT FROM own THEN
        PERFORM pg_advisory_xact_lock_shared(1380275795, (scheduler_latest_revision() % 2147483648)::int);
        PERFORM set_config('scheduler.revising', own, true);
    END IF;
    NEW.revision := nextval('scheduler_revision');
    RETURN NEW;
END $$;

-- The order of the two looks matters: whoever gave a number up to the first has had its lock since.
CREATE FUNCTION scheduler_safe_revision() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    latest bigint;
    oldest bigint;
BEGIN
    latest := scheduler_latest_revision();
    SELECT max((latest - objid::bigint + 2147483648) % 2147483648) INTO oldest FROM pg_locks
     WHERE locktype = 'advisory' AND classid = 1380275795 AND objsubid = 2 AND pid IS DISTINCT FROM pg_backend_pid()
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (latest - objid::bigint + 2147483648) % 2147483648 < 1073741824;
    RETURN latest - coalesce(oldest, 0);
END $$;
"""

NO_FUNCTIONS = """
DROP FUNCTION scheduler_safe_revision();
DROP FUNCTION scheduler_revise();
DROP FUNCTION scheduler_latest_revision();
DROP SEQUENCE scheduler_revision;
"""


def functions() -> migrations.RunSQL:
    return migrations.RunSQL([FUNCTIONS], [NO_FUNCTIONS])


def revise(table: str) -> migrations.RunSQL:
    """Return the statements that number the changes of a table, which has a `RevisionField` called `revision`.

    The ORM has no triggers.
    """
    return migrations.RunSQL(
        [f"CREATE TRIGGER revise BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION scheduler_revise()"],
        [f"DROP TRIGGER revise ON {table}"],
    )


class RevisionField(models.BigIntegerField):
    """The number of a row's latest change, which a trigger gives; 0 for rows that are older than the trigger."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"default": 0, "db_default": 0, "editable": False})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for given in ("default", "db_default", "editable"):
            kwargs.pop(given, None)
        return name, path, args, kwargs


def safe_revision() -> int:
    """Return the revision up to which all changes are committed or undone. Ask before you read the rows.

    The ORM has no functions of ours.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT scheduler_safe_revision()")
        return cast("int", cursor.fetchone()[0])
