"""What is done with all tests before one is run.

The longest files begin first, so that all workers end together, and every
fixture is looked for, also those of slow tests.
"""

import subprocess
import sys
import types

import pytest

from tests import conftest


def test_every_long_file_is_there_and_begins_first():
  folder = conftest.ROOT / "tests"
  assert len(set(conftest.LONGEST)) == len(conftest.LONGEST)
  for name in conftest.LONGEST:
    assert (folder / name).is_file(), name


class _Item:
  def __init__(self, name, *fixtures):
    self.path = conftest.ROOT / "tests" / name
    self.nodeid = f"{name}::test"
    self.fixturenames = fixtures
    self._fixtureinfo = types.SimpleNamespace(name2fixturedefs={"there": ()})


def test_order_of_other_files_and_of_tests_in_a_file_stays():
  first, second = conftest.LONGEST[:2]
  items = [_Item(name) for name in ("b.py", second, "a.py", first, second)]
  named = {id(item): number for number, item in enumerate(items)}
  conftest.pytest_collection_modifyitems(items)
  assert [named[id(item)] for item in items] == [3, 1, 4, 0, 2]


def test_fixture_that_is_not_there_ends_the_run():
  items = [_Item("a.py", "there", "request"), _Item("b.py", "there", "gone")]
  conftest.pytest_collection_modifyitems(items[:1])
  with pytest.raises(pytest.UsageError) as error:
    conftest.pytest_collection_modifyitems(items)
  assert str(error.value) == "b.py::test: there is no fixture `gone`"


def test_make_keeps_that_order():
  makefile = (conftest.ROOT / "Makefile").read_text(encoding="utf-8")
  assert "--dist loadfile --no-loadscope-reorder" in makefile
  said = subprocess.run(
    [sys.executable, "-m", "pytest", "--help"],
    capture_output=True,
    text=True,
    check=True,
  ).stdout
  assert "--no-loadscope-reorder" in said
