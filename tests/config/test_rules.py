"""Rules of values: what holds is silent, what does not is said with its name.

An address in place of a path is tested in tests/runtime/test_local_places.py.
"""

import dataclasses

import pytest

from tfvssl.config import rules


@dataclasses.dataclass
class _Section:
  steps: int = 1
  seconds: float = 0.5


def test_rule_that_holds_is_silent():
  rules.require(True, "steps", 3, "be odd")
  rules.require_positive("section", _Section(), "steps", "seconds")
  rules.require_range("scale", (0.5, 0.5), 0.5, 0.5)


def test_rule_value_and_name_are_said():
  with pytest.raises(ValueError) as error:
    rules.require(False, "steps", 4, "be odd")
  assert str(error.value) == "`steps` (4) must be odd."


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_first_field_that_is_not_above_zero_is_named(value):
  section = _Section(steps=value, seconds=value)
  with pytest.raises(ValueError) as error:
    rules.require_positive("section", section, "seconds", "steps")
  assert str(error.value) == f"`section.seconds` ({value}) must be above 0."
  rules.require_positive("section", _Section(steps=value), "seconds")


@pytest.mark.parametrize(
  "pair", [(0.4, 1.0), (0.5, 2.5), (1.0, 0.5), (1.0,), (0.5, 1.0, 2.0)]
)
def test_range_is_ordered_and_within(pair):
  with pytest.raises(ValueError) as error:
    rules.require_range("scale", pair, 0.5, 2.0)
  assert str(error.value) == (
    f"`scale` ({pair}) must be a lower and an upper value between 0.5 and 2."
  )
