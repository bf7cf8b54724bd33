"""The changes between two OpenAPI documents of the API that break programs (docs/explanation/api-changes.md).

Whatever is only added breaks nothing. The words of descriptions and examples do not matter, nor do refusals.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

Schema = dict[str, Any]
Parameters = dict[tuple[str, str], Schema]


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Return what worked by the old document and does not by the new one, a sentence each."""
    return list(dict.fromkeys(_Comparison(old, new).run()))


class _Side(NamedTuple):
    """The direction of a body: we read it, or we send it."""

    is_read: bool


READ, SENT = _Side(is_read=True), _Side(is_read=False)


class _Comparison:
    def __init__(self, old: Schema, new: Schema, seen: Iterable[tuple[str, str, bool]] = ()) -> None:
        self.old, self.new = old, new
        self.seen = set(seen)
        """Pairs of named schemas that are being compared: some contain themselves."""

    def run(self) -> Iterator[str]:
        for path, operations in self.old["paths"].items():
            for method, operation in operations.items():
                name = f"{method.upper()} {path}"
                if now := self.new["paths"].get(path, {}).get(method):
                    yield from self.operation(name, operation, now)
                else:
                    yield f"{name} is gone"
        for event, item in self.old.get("webhooks", {}).items():
            now = self.new.get("webhooks", {}).get(event)
            if now is None:
                yield f"the event {event} is gone"
            else:
                self.seen.clear()
                yield from self.schema(f"{event}:", _body(item["post"]), _body(now["post"]), SENT)

    def operation(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        yield from self.parameters(name, _parameters(old), _parameters(new))
        self.seen.clear()
        before, now = _body(old), _body(new)
        if before is not None and now is None:
            yield f"{name} reads no body any more"
        elif now is not None:
            if new["requestBody"].get("required") and not old.get("requestBody", {}).get("required"):
                yield f"{name} requires a body"
            yield from self.schema(f"{name} reads", before or {}, now, READ)
        for status, answer in old["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in new["responses"]:
                yield f"{name} answers no {status} any more"
                continue
            for kind, content in answer.get("content", {}).items():
                told = new["responses"][status].get("content", {}).get(kind)
                self.seen.clear()
                if told is None:
                    yield f"{name} answers no {kind} any more"
                else:
                    yield from self.schema(f"{name} answers", content["schema"], told["schema"], SENT)

    def parameters(self, name: str, old: Parameters, new: Parameters) -> Iterator[str]:
        for key, parameter in old.items():
            if key not in new:
                yield f"{name} reads no {key[1]} in the {key[0]} any more"
            else:
                yield from self.schema(f"{name} reads {key[1]}", parameter["schema"], new[key]["schema"], READ)
        for key, parameter in new.items():
            if parameter.get("required") and not old.get(key, {}).get("required"):
                yield f"{name} requires {key[1]} in the {key[0]}"

    def schema(self, place: str, old: Schema, new: Schema, side: _Side) -> Iterator[str]:
        refs = (_name(old), _name(new), side.is_read)
        if refs[0] and refs in self.seen:
            return
        self.seen.add(refs)
        before, now = _resolved(old, self.old), _resolved(new, self.new)
        if "oneOf" in before or "oneOf" in now:
            yield from self.variants(place, before, now, side)
            return
        yield from _values(place, before, now, side)
        for name, part in before.get("properties", {}).items():
            if name not in now.get("properties", {}):
                yield f"{place} no {name} any more"
            else:
                yield from self.schema(f"{place} {name}:", part, now["properties"][name], side)
        required, requires = set(before.get("required", ())), set(now.get("required", ()))
        if side.is_read:
            yield from (f"{place} {name}, which is now required" for name in sorted(requires - required))
        else:
            left = required - requires
            yield from (f"{place} {name} not always" for name in sorted(left & set(now.get("properties", {}))))
        for inner in ("items", "additionalProperties"):
            if isinstance(before.get(inner), dict) and isinstance(now.get(inner), dict):
                yield from self.schema(f"{place} each:", before[inner], now[inner], side)

    def variants(self, place: str, old: Schema, new: Schema, side: _Side) -> Iterator[str]:
        """Compare each of several shapes with the new one that fits it best."""
        now = new.get("oneOf", [new])
        for variant in old.get("oneOf", [old]):
            found = [
                list(_Comparison(self.old, self.new, self.seen).schema(place, variant, each, side)) for each in now
            ]
            yield from min(found, key=len)


def _values(place: str, old: Schema, new: Schema, side: _Side) -> Iterator[str]:
    """Compare what values there can be: types, formats and words."""
    before, now = _types(old), _types(new)
    if before and now:
        wrong = before - now if side.is_read else now - before
        if wrong and not (side.is_read and wrong == {"integer"} and "number" in now):
            yield f"{place} {_written(before)} became {_written(now)}"
    if old.get("format") != new.get("format") and {"string"} == before & now:
        yield f"{place} the format {old.get('format')} became {new.get('format')}"
    words = set(old.get("enum", ())) if "enum" in old else None
    left = set(new.get("enum", ())) if "enum" in new else None
    if words is not None and left is not None:
        yield from (f"{place} {word!r} is no value any more" for word in sorted(map(str, words - left)))
    elif words is None and left is not None and side.is_read and "const" not in old:
        yield f"{place} only some values are taken now"
    if "const" in old and old["const"] != new.get("const"):
        yield f"{place} {old['const']!r} became {new.get('const')!r}"


def _written(types: set[str]) -> str:
    return " or ".join(sorted(types))


def _types(part: Schema) -> set[str]:
    kinds = part.get("type", [])
    found = set(kinds if isinstance(kinds, list) else [kinds])
    return found | ({"null"} if part.get("can be null") else set())


def _resolved(part: Schema, document: Schema) -> Schema:
    """Return a schema without references, with the parts of `allOf` in one, and null as one of its types."""
    if "$ref" in part:
        rest = {key: value for key, value in part.items() if key != "$ref"}
        part = {**document["components"]["schemas"][part["$ref"].rpartition("/")[2]], **rest}
    if "allOf" in part:
        merged: Schema = {key: value for key, value in part.items() if key != "allOf"}
        for each in (_resolved(one, document) for one in part["allOf"]):
            merged = {**each, **merged, "properties": {**each.get("properties", {}), **merged.get("properties", {})}}
        part = merged
    variants = [each for each in part.get("oneOf", ()) if each != {"type": "null"}]
    if len(variants) == 1:
        rest = {key: value for key, value in part.items() if key != "oneOf"}
        part = {**_resolved(variants[0], document), **rest, "can be null": True}
    return part


def _name(part: Schema) -> str:
    """Return the reference of a schema, also where it may be null; "" for one without a name."""
    inner = [each for each in (*part.get("allOf", ()), *part.get("oneOf", ())) if each != {"type": "null"}]
    return str(part.get("$ref", "")) or (_name(inner[0]) if len(inner) == 1 else "")


def _parameters(operation: Schema) -> Parameters:
    return {(part["in"], part["name"]): part for part in operation.get("parameters", ())}


def _body(operation: Schema) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return next((each["schema"] for each in content.values()), None)
