"""What is said of a recipe or an override that could not be parsed.

What users see of it is in tests/config/test_flag.py.
"""

import types

import pytest

from tfvssl.config import flag_problem
from tfvssl.config import recipes


def _caused(error):
  broken = recipes.BrokenError(f"{type(error).__name__}: {error}")
  broken.__cause__ = error
  return broken


def test_what_a_recipe_raised_is_told_with_its_kind():
  error = _caused(ZeroDivisionError("division by zero"))
  assert flag_problem.of_recipe(error) == "ZeroDivisionError: division by zero"
  assert flag_problem.of_recipe(KeyError("x")) == "KeyError: 'x'"


def test_a_file_that_is_no_recipe_is_told_what_it_lacks():
  module = types.ModuleType("recipes_0123.mine")
  module.__file__ = "mine.py"
  with pytest.raises(AttributeError) as caught:
    module.get_config()
  assert flag_problem.of_recipe(_caused(caught.value)) == (
    "mine.py has no function get_config()."
  )


def test_what_a_recipe_misses_is_told_with_its_place_of_today():
  error = _caused(ModuleNotFoundError("No module named 'tfvssl.heads'"))
  assert flag_problem.of_recipe(error) == (
    "`tfvssl.heads` is `tfvssl.methods.parts.heads` since version 0.2.0."
  )


def test_no_override_is_no_problem():
  assert flag_problem.of_overrides(["train", "--workdir=x"], None) == ""
