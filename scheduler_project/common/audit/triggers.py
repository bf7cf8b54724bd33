"""Triggers that write the audit log, and triggers that prevent changes of it, for migrations."""

import re
from collections.abc import Sequence

from django.db import migrations

# The ORM has no triggers.
FUNCTIONS = r"""
-- Writes down what a statement did to one row: {column: [before, after]}, or {column: null} for a secret.
-- The time is the clock's, read while the row is locked: that of the transaction's begin may be before what went first.
-- Arguments: the column that holds the key it is filed under, the secrets, the columns that are of no interest.
CREATE OR REPLACE FUNCTION scheduler_trail() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    secrets CONSTANT text[] := TG_ARGV[1]::text[];
    was jsonb;
    is_now jsonb;
    told jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        was := to_jsonb(OLD) - TG_ARGV[2]::text[];
    END IF;
    IF TG_OP <> 'DELETE' THEN
        is_now := to_jsonb(NEW) - TG_ARGV[2]::text[];
    END IF;
    SELECT jsonb_object_agg(
               name, CASE WHEN name = ANY(secrets) THEN NULL ELSE jsonb_build_array(was -> name, is_now -> name) END)
      INTO told
      FROM jsonb_object_keys(coalesce(is_now, was)) AS name
     WHERE nullif(was -> name, 'null') IS DISTINCT FROM nullif(is_now -> name, 'null');
    IF told IS NOT NULL THEN
        INSERT INTO common_change (at, table_name, row_id, kind, user_id, face, changes/*, key_id*/)
        VALUES (clock_timestamp(), TG_TABLE_NAME, (coalesce(is_now, was) ->> TG_ARGV[0])::bigint, lower(TG_OP),
                nullif(current_setting('scheduler.user', true), '')::bigint,
                coalesce(current_setting('scheduler.face', true), ''), told
                /*, nullif(current_setting('scheduler.key', true), '')::bigint*/);
    END IF;
    RETURN NULL;
END $$;

-- Refuses to change and delete rows. While `scheduler.erasing` is on, values in the JSON column named by the argument
-- may become null; rows older than `scheduler.forgetting` may go, once they are a month old.
CREATE OR REPLACE FUNCTION scheduler_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb;
    is_now jsonb;
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('scheduler.erasing', true) = 'on' THEN
        was := to_jsonb(OLD);
        is_now := to_jsonb(NEW);
        IF was - TG_ARGV[0] = is_now - TG_ARGV[0] AND NOT EXISTS (
            SELECT FROM jsonb_each(was -> TG_ARGV[0]) AS before
            FULL JOIN jsonb_each(is_now -> TG_ARGV[0]) AS after ON after.key = before.key
            WHERE before.key IS NULL OR after.key IS NULL OR after.value NOT IN (before.value, 'null'))
        THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        IF OLD.at < nullif(current_setting('scheduler.forgetting', true), '')::timestamptz
            AND OLD.at < now() - interval '30 days'
        THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: its rows are neither changed nor deleted', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""


NO_FUNCTIONS = "DROP FUNCTION scheduler_trail(); DROP FUNCTION scheduler_append_only();"


WITH_KEY = re.sub(r"/\*(, .*?)\*/", r"\1", FUNCTIONS)
"""The functions since the audit log names the API key: earlier migrations write to it before it has that column."""


def functions() -> migrations.RunSQL:
    return migrations.RunSQL([FUNCTIONS], [NO_FUNCTIONS])


def functions_anew() -> migrations.RunSQL:
    """Return the statement that replaces the functions of an earlier migration by the current ones."""
    return migrations.RunSQL([FUNCTIONS], migrations.RunSQL.noop)


def functions_with_key() -> migrations.RunSQL:
    """Return the statement after which the audit log names the API key, where a program acted with one."""
    return migrations.RunSQL([WITH_KEY], [FUNCTIONS])


def keep_trail(
    table: str, *, key: str = "id", secrets: Sequence[str] = (), ignored: Sequence[str] = (), unless: str = ""
) -> migrations.RunSQL:
    """Record every change of a table's rows, except those that satisfy the condition `unless`.

    In it, `row` is the new row, or, for a deletion, the old one. The ORM has no triggers.
    """
    call = f"scheduler_trail('{key}', '{{{','.join(secrets)}}}', '{{{','.join(ignored)}}}')"
    rows = {"NEW": "INSERT OR UPDATE", "OLD": "DELETE"} if unless else {"": "INSERT OR UPDATE OR DELETE"}
    triggers = {f"trail_{row.lower()}".rstrip("_"): (row, deeds) for row, deeds in rows.items()}
    return migrations.RunSQL(
        [
            f"CREATE TRIGGER {name} AFTER {deeds} ON {table} FOR EACH ROW "
            + (f"WHEN (NOT ({unless.replace('row.', f'{row}.')})) " if unless else "")
            + f"EXECUTE FUNCTION {call}"
            for name, (row, deeds) in triggers.items()
        ],
        [f"DROP TRIGGER {name} ON {table}" for name in triggers],
    )


def append_only(table: str, *, erasable: str) -> migrations.RunSQL:
    """Prevent changes of a table's rows, except those within `log.allow_erasing` and `log.allow_deleting`.

    The ORM has no triggers.
    """
    call = f"scheduler_append_only('{erasable}')"
    return migrations.RunSQL(
        [
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {call}",
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {call}",
        ],
        [f"DROP TRIGGER append_only ON {table}", f"DROP TRIGGER never_emptied ON {table}"],
    )
