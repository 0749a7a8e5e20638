"""Rules of a config's values; each says the rule, the value and its name."""

from collections.abc import Mapping


def require(holds: bool, name: str, value: object, rule: str) -> None:
  """Raises ValueError, "`name` (value) must rule.", unless it holds."""
  if not holds:
    raise ValueError(f"`{name}` ({value}) must {rule}.")


def require_positive(name: str, section: object, *fields: str) -> None:
  """Raises ValueError for the first field that is not above 0.

  Args:
    name: of the section in the config, for the message.
    section: the dataclass.
    *fields: of it.
  """
  for field in fields:
    value = getattr(section, field)
    require(value > 0, f"{name}.{field}", value, "be above 0")


def require_positive_values(name: str, values: Mapping[str, float]) -> None:
  """Raises ValueError for the first entry of `name` that is not above 0."""
  for entry, value in values.items():
    require(value > 0, f"{name}.{entry}", value, "be above 0")


def require_range(
  name: str, pair: tuple[float, float], low: float, high: float
) -> None:
  """Raises ValueError unless `pair` is ordered and within `low` and `high`."""
  holds = len(pair) == 2 and low <= pair[0] <= pair[1] <= high
  rule = f"be a lower and an upper value between {low:g} and {high:g}"
  require(holds, name, pair, rule)


def require_local(name: str, place: str) -> None:
  """Raises ValueError where `place` is an address, such as gs://bucket/run.

  A path would be made of it, and what is written there lost with the machine.
  """
  if "://" in place:
    raise ValueError(
      f"`{name}` ({place}) must be a path on this machine; object stores are"
      " not supported yet. Mount the store, or copy from and to it."
    )
