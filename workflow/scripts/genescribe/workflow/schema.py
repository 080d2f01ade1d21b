"""Checking data against a JSON schema, with the first mistake told in one line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

KINDS = {
    "integer": "a whole number, such as 2000000",
    "number": "a number, such as 0.002",
    "string": "text",
    "array": "a list, such as [a, b]",
    "object": "a group of keys",
    "boolean": "true or false",
    "null": "null",
}
"""Types of JSON as people say them."""


def load_schema(path: str | Path) -> dict[str, Any]:
    """A JSON schema (draft 2020-12) written as YAML."""
    schema: dict[str, Any] = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    return schema


def first_mistake(data: object, schema: dict[str, Any]) -> tuple[str, str] | None:
    """The most telling mistake as (key, what is wrong), or None.

    Args:
        data: mappings, lists and scalars as YAML gives them.
        schema: draft 2020-12.

    Returns:
        The key as dotted path (`training.pretrain.tokens`; empty for the top level) and one line of text.
    """
    error = best_match(Draft202012Validator(schema).iter_errors(data))
    return None if error is None else (".".join(str(part) for part in error.absolute_path), _explain(error))


def meant(word: str, known: Iterable[str]) -> str:
    """What was probably meant by a word that is not known, as a question; empty if nothing is like it."""
    folded = {one.lower(): one for one in known}
    close = get_close_matches(word.lower(), folded, n=1, cutoff=0.75)
    return f"did you mean {folded[close[0]]}?" if close else ""


def _explain(error: ValidationError) -> str:
    rule, wanted = error.validator, error.validator_value
    if rule == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        unknown = min(str(key) for key in error.instance if key not in known)
        return f"unknown key {unknown}; {meant(unknown, known) or 'known are ' + ', '.join(known)}"
    if rule == "required" and isinstance(error.instance, dict):
        return f"key {', '.join(key for key in wanted if key not in error.instance)} is missing"
    if rule == "enum":
        return f"{error.instance!r} is not one of {', '.join(map(str, wanted))}"
    if rule == "pattern":
        return f"{error.instance!r} is not {error.schema.get('description', f'of the form {wanted}')}"
    if rule == "type":
        kinds = " or ".join(KINDS[kind] for kind in (wanted if isinstance(wanted, list) else [wanted]))
        if error.instance is None:
            return f"is empty; it should be {kinds}"
        return f"{error.instance!r} is not {kinds}"
    return " ".join(error.message.split())
