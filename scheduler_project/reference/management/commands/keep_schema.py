"""The command that keeps the OpenAPI document of a release, against which later ones are held."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from scheduler_project.api import document
from scheduler_project.common.api.content import JSONRenderer

FOLDER = Path(settings.BASE_DIR) / "docs" / "reference"


class Command(BaseCommand):
    help = "Keep the OpenAPI document of this release in docs/reference/, in place of that of the last one."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        schema = json.loads(JSONRenderer().render(document()))
        release = ".".join(schema["info"]["version"].split(".")[:2])
        for path in kept():
            path.unlink()
        path = FOLDER / f"openapi-{release}.json"
        path.write_text(in_lines(schema), encoding="utf-8")
        self.stdout.write(f"docs/reference/{path.name}")


def kept() -> list[Path]:
    return sorted(FOLDER.glob("openapi-*.json"))


def in_lines(schema: dict[str, Any]) -> str:
    """Return the document as JSON with a line for each path, webhook and schema."""

    def section(name: str, value: Any, deep: int) -> str:
        if deep and isinstance(value, dict):
            inner = ",\n".join(section(key, part, deep - 1) for key, part in value.items())
            return f"{json.dumps(name)}: {{\n{inner}\n}}"
        return f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"

    deep = {"paths": 1, "webhooks": 1, "components": 2}
    return "{\n" + ",\n".join(section(key, value, deep.get(key, 0)) for key, value in schema.items()) + "\n}\n"
