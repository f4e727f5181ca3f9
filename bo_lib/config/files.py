"""Parameter files: YAML read into typed models, and what is wrong with one said with file, line and field."""

from __future__ import annotations

import difflib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from bo_lib.model.money import decimal_from


class ParameterError(Exception):
    """A parameter file that cannot be used; the message names file, field, what was found and what to do."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_floats(cls, value: Any) -> Any:
        return decimal_from(value) if isinstance(value, float) else value  # type: ignore[arg-type]  # it refuses floats


NotNegative = Annotated[Decimal, Field(ge=0)]
Days = Annotated[int, Field(ge=0)]
Decimals = Annotated[int, Field(ge=0, le=12)]


def _known_calendar(names: str) -> str:
    from bo_lib.model.dates import CALENDARS

    for name in names.split("+"):
        if name not in CALENDARS:
            near = difflib.get_close_matches(name, CALENDARS, 1)
            raise ValueError(f"no calendar {name!r}; " + (f"did you mean {near[0]}?" if near else f"known: {', '.join(CALENDARS)}"))
    return names


Calendar = Annotated[str, AfterValidator(_known_calendar)]  # one of model.dates.CALENDARS, several joined by +


M = TypeVar("M", bound=Strict)


class _Loader(yaml.SafeLoader):
    """YAML without floats (amounts stay text until they are decimals) and without duplicate keys."""


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:float", _text)


def _timestamp(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    """A date; what only looks like one stays text, so that its field refuses it with file and line."""
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    if doubled := {key for key in keys if keys.count(key) > 1}:
        raise yaml.MarkedYAMLError(problem=f"the key {sorted(doubled)[0]!r} stands twice", problem_mark=node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path, kind: type[M]) -> M:
    """One parameter file as ``kind``. Raises ``ParameterError`` with file, line or field, and what to do."""
    try:
        text = path.read_text("utf-8")
        data = yaml.load(text, Loader=_Loader)
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.yaml")], 1)
        hint = f"; is it {near[0]}?" if near else "; `bo new DIR` makes an empty firm"
        raise ParameterError(f"{path}: no such parameter file{hint}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as reason:
        raise ParameterError(f"{path}: not readable as YAML: {reason}") from reason
    try:
        return kind.model_validate(data)
    except ValidationError as reason:
        wrong = reason.errors()
        told = [
            e
            for e in wrong
            if e["type"] != "too_short" or not any(o["loc"][: len(e["loc"])] == e["loc"] != o["loc"] for o in wrong)
        ]
        raise ParameterError("\n".join(_letter(path, text, kind, e) for e in told)) from None


def _letter(path: Path, text: str, kind: type[BaseModel], problem: Any) -> str:
    """One validation problem as a sentence: file, line, field, what was found, what was expected."""
    line = _line(yaml.compose(text, Loader=_Loader), problem["loc"])
    where = (f"line {line}: " if line else "") + ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        whole = problem["type"] == "missing" or isinstance(problem["input"], dict | list)  # its line says where it is
        found = "" if whole else f": found {str(problem['input'])[:80]!r}"
        return f"{path}: {where}{found}: {problem['msg'].removeprefix('Value error, ')}"
    known = _fields_at(kind, problem["loc"][:-1])
    near = difflib.get_close_matches(str(problem["loc"][-1]), known, 1)
    return f"{path}: {where}: unknown key; " + (f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}")


def _line(node: yaml.Node | None, steps: tuple[str | int, ...]) -> int:
    """The line of the key at ``steps``, or of the nearest thing above it that is there; 0 for an empty file."""
    line = node.start_mark.line + 1 if node else 0
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            found = [(item, item) for item in node.value[step : step + 1]]
        else:
            found = []
        if not found:
            break
        key, node = found[0]
        line = key.start_mark.line + 1
    return line


def _fields_at(kind: Any, steps: tuple[str | int, ...]) -> list[str]:
    """Names a mapping may have at a place inside a model: walk the annotations along ``steps``."""
    for step in steps:
        if isinstance(step, str) and isinstance(kind, type) and issubclass(kind, BaseModel):
            found = [f for name, f in kind.model_fields.items() if step in (name, f.alias)]
            kind = _model_in(found[0].annotation) if found else None
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    return [f.alias or name for name, f in kind.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in getattr(annotation, "__args__", ()) if (m := _model_in(a))), None)
