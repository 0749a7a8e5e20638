"""Values of --set: `svm.train_epochs=3` for the settings of an evaluation."""

from collections.abc import Sequence
import dataclasses
import enum
import typing
from typing import Any

from tfvssl.config import experiment as config
from tfvssl.evaluate.protocols import known

# Beside the protocols; what the weights were trained with stays as it was.
_OTHERS = ("runtime",)


def assign(
  experiment: config.Experiment, assignments: Sequence[str]
) -> tuple[config.Experiment, dict[str, Any]]:
  """Returns the experiment and its sections, with some values replaced.

  A protocol that the experiment has no section of has its defaults.

  Args:
    experiment: of a run.
    assignments: `section.field=value`; several values of a field that holds
      several are separated by commas.

  Raises:
    ValueError: there is no such field, or the value is not of its kind.
  """
  found: dict[str, Any] = {
    **known.sections(experiment),
    **{name: getattr(experiment, name) for name in _OTHERS},
  }
  for assignment in assignments:
    section, field, value = _parsed(assignment, found)
    found[section] = dataclasses.replace(found[section], **{field: value})
  own = {field.name for field in dataclasses.fields(experiment)}
  changed = {name: found[name] for name in own & set(found)}
  return dataclasses.replace(experiment, **changed), found


def _parsed(assignment, found):
  """Returns section, field and value of an assignment."""
  path, equals, text = assignment.partition("=")
  section, dot, field = path.partition(".")
  if not (equals and dot) or section not in found:
    raise ValueError(
      f"--set={assignment} must be SECTION.FIELD=VALUE with one of"
      f" {', '.join(found)}; for example --set=svm.train_epochs=3."
    )
  hints = typing.get_type_hints(type(found[section]))
  if field not in hints:
    from tfvssl.config import moved  # most names are right

    near = moved.nearest_name(field, found[section])
    raise ValueError(
      f"--set={assignment}: `{section}` has no field `{field}`; {near}"
    )
  try:
    return section, field, _value(text, hints[field])
  except ValueError as error:
    raise ValueError(
      f"--set={assignment}: '{text}' must be {_kind(hints[field])}."
    ) from error


def _value(text, hint):
  if typing.get_origin(hint) is tuple:
    items = tuple(float(word) for word in text.split(","))
    length = _length(hint)
    if length and len(items) != length:
      raise ValueError
    return items
  if hint is bool:
    if text not in ("true", "false"):
      raise ValueError
    return text == "true"
  return hint(text)


def _length(hint):
  """Returns how many numbers a tuple has to have; None for any number."""
  arguments = typing.get_args(hint)
  return None if arguments[-1] is Ellipsis else len(arguments)


def _kind(hint):
  if typing.get_origin(hint) is tuple:
    length = _length(hint)
    count = f"{length} numbers" if length else "numbers"
    return f"{count}, separated by commas"
  if hint is bool:
    return "true or false"
  if issubclass(hint, enum.Enum):
    return "one of " + ", ".join(member.value for member in hint)
  return {int: "a whole number", float: "a number"}.get(hint, "text")
