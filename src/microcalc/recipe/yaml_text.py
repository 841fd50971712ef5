"""YAML as recipes and cards are written in: what JSON can say, for people.

Plain YAML has traps that change numbers in silence, and one that fills the memory. Here a key that stands twice is an
error, and so is an alias; ``1e-4`` is a number, as in YAML 1.2; ``no`` and ``2022-06-01`` are texts.
"""

from __future__ import annotations

import json
import os
import re
import reprlib
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import AfterValidator, ValidationError
from yaml.composer import Composer

from microcalc.errors import ReadError
from microcalc.findings import RecordT

#: Longest line that is written.
WIDTH = 110

#: Tag -> what a plain scalar of it looks like, and its first characters (YAML 1.2, section 10.3.2, as JSON has them).
_SCALARS = {
    "null": (r"null|~|", ["n", "~", ""]),
    "bool": (r"true|false", ["t", "f"]),
    "int": (r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        list("-+.0123456789"),
    ),
}


class _InC(Composer, getattr(yaml, "CSafeLoader", object)):  # type: ignore[misc]  # PyYAML has no types
    """Parsed in C, which saves a third of a second a card; composed in Python, where aliases can be refused."""

    def __init__(self, stream: bytes) -> None:
        yaml.CSafeLoader.__init__(self, stream)
        Composer.__init__(self)


_SafeLoader: Any = _InC if yaml.__with_libyaml__ else yaml.SafeLoader


class _Loader(_SafeLoader):  # type: ignore[misc]
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="an alias", problem_mark=self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key that is no text", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} a second time", problem_mark=key.start_mark)
            seen.add(key.value)
        values: dict[Any, Any] = super().construct_mapping(node, deep)
        return values


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists stand further in than their keys."""
        super().increase_indent(flow, False)


for _tag, (_pattern, _first) in _SCALARS.items():
    for _kind in (_Loader, _Dumper):
        _kind.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first)


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Texts of several lines line by line, long ones folded."""
    style = "|" if "\n" in text else ">" if len(text) > WIDTH // 2 and " " in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


def _represent_list(dumper: _Dumper, values: list[Any]) -> yaml.SequenceNode:
    """Numbers and names one after another, anything else one a line."""
    short = not any(isinstance(value, dict | list) or " " in str(value) for value in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=short)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)


def _plain(text: str) -> str:
    strange = {character for character in text if not (character.isprintable() or character == "\n")}
    if strange:
        raise ValueError(f"a text holds {', '.join(sorted(map(repr, strange)))}: printable characters and line breaks")
    stripped = "\n".join(line.rstrip() for line in text.strip().split("\n"))
    if not stripped:
        raise ValueError("a text is empty")
    return stripped


#: A text for people: printable characters and line breaks, no blanks around it.
Text = Annotated[str, AfterValidator(_plain)]


def read_yaml(content: bytes, expected: str, where: str | os.PathLike[str]) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        ReadError: it is no YAML, or not a mapping, has a key twice or an alias.
    """
    try:
        values = yaml.load(content, _Loader)  # derived from the safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f" in line {mark.line + 1}"
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ReadError(expected=expected, found=f"{problem}{place}", do="mend the file", where=where) from error
    if not isinstance(values, dict):
        raise ReadError(expected=expected, found="no names and values", do="write `name: value` lines", where=where)
    return values


def write_yaml(values: Mapping[str, Any]) -> str:
    """The text of a YAML file with the values in their order; :func:`read_yaml` gives them back."""
    text: str = yaml.dump(
        dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False
    )
    return text


def record_from(
    kind: type[RecordT], values: Mapping[str, Any], expected: str, where: str | os.PathLike[str] | None
) -> RecordT:
    """A record of values as JSON has them: a text is never taken for a number, nor a number for a text.

    Raises:
        ReadError: the values break the schema.
    """
    try:
        return kind.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise ReadError(expected=expected, found=first_wrong(error), do="mend it", where=where) from error


def first_wrong(error: ValidationError) -> str:
    """The first field that is wrong, what is wrong with it, and how many more there are."""
    first = error.errors(include_url=False)[0]
    place = f"{'.'.join(map(str, first['loc']))}: " if first["loc"] else ""
    got = f", got {reprlib.repr(first['input'])}" if isinstance(first["input"], bool | int | float | str) else ""
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}{first['msg'].removeprefix('Value error, ')}{got}{more}"
