"""API answers in a form to compare."""

from datetime import datetime
from typing import Any


def refusal(response: Any) -> tuple[int, str, str | None]:
    """Return `(status, code, attr)` of the first error, and check the format of errors."""
    body = response.json()
    assert set(body) - {"details"} == {"type", "errors"}, body
    error = body["errors"][0]
    assert set(error) == {"code", "detail", "attr"}
    assert error["detail"]
    return response.status_code, error["code"], error["attr"]


def ids(response: Any) -> list[int]:
    """Return the ids of one page of a list, in order."""
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def starts(response: Any) -> list[str]:
    """Return the starts of the times on one page, as written."""
    assert response.status_code == 200, response.content
    return [row["start_time"] for row in response.json()["results"]]


def rfc3339(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
