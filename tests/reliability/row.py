"""One row of the page of faults, and the short way to name tests."""

from typing import NamedTuple


class Row(NamedTuple):
  """One fault.

  Attributes:
    number: of the catalogue.
    fault: what is done to the product.
    expected: what it does then.
    tests: file and name of those that do it, by folder of tests/.
    remark: what does not hold, or why the row has no test; empty if all does.
  """

  number: str
  fault: str
  expected: str
  tests: tuple[str, ...] = ()
  remark: str = ""


def tests_of(folder: str, **files: str) -> tuple[str, ...]:
  """Returns the tests of a folder: file to names that blanks part."""
  return tuple(
    f"{folder}/test_{file}.py::test_{name}".removeprefix("/")
    for file, names in files.items()
    for name in names.split()
  )
