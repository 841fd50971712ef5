"""How the code's comments read as documentation: a griffe extension that mkdocs.yml loads.

Attributes are explained by ``#:`` comments above them, fields of records by their description, and docstrings refer to
code with roles (``:class:`Report```); griffe knows none of these.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_DESCRIPTION = re.compile(r"description=(['\"])(.*?)\1")


class HouseStyle(griffe.Extension):
    """Turns ``#:`` comments and field descriptions into docstrings, and roles into plain code."""

    def on_attribute(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        """Give an attribute the comment above it, or its field's description."""
        comment: list[str] = []
        above = attr.lines_collection[attr.filepath][: (attr.lineno or 1) - 1]
        while above and (line := above.pop().strip()).startswith("#:"):
            comment.insert(0, line.removeprefix("#:").strip())
        description = _DESCRIPTION.search(str(attr.value))
        if description:
            comment.append(description[2])
        if comment and attr.docstring is None:
            attr.docstring = griffe.Docstring("\n".join(comment), parent=attr)

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Show ``:class:`Report``` as code."""
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(r"`\1`", obj.docstring.value)
