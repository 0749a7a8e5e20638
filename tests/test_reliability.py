"""The page of faults is complete, and its tests exist."""

import ast
import re

import pytest

from tests.reliability import catalogue
from tests.reliability import page
from tests.reliability import row as rows

_COUNTS = {"A": 19, "B": 11, "C": 8, "D": 16, "E": 8, "F": 9, "G": 8}
_ROWS = (*catalogue.FAULTS, *catalogue.FIGURES)


def test_every_number_has_a_row():
  expected = [
    f"{a}{n}" for a, count in _COUNTS.items() for n in range(1, count + 1)
  ]
  assert [row.number for row in catalogue.FAULTS] == expected
  assert len(expected) == 79
  figures = [row.number for row in catalogue.FIGURES]
  assert figures == [str(number) for number in range(1, 17)]


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.number)
def test_tests_of_a_row_exist(row, root):
  assert row.tests or row.remark
  for test in row.tests:
    file, _, name = test.partition("::")
    tree = ast.parse((root / "tests" / file).read_text("utf-8"))
    found = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert name in found, f"{file} has no {name}"


def test_page_has_the_rows_of_today_and_no_failure():
  lines = page.PAGE.read_text("utf-8").splitlines()
  rows = [line for line in lines if re.match(r"\| [A-G]?\d", line)]
  assert len(rows) == len(_ROWS)
  for line, row in zip(rows, _ROWS, strict=True):
    assert line.startswith(f"| {row.number} | {row.fault} | {row.expected} | ")
    assert "**fails**" not in line and "did not run" not in line, line


def test_outcomes_are_those_of_the_reports(tmp_path):
  report = tmp_path / "report.xml"
  report.write_text(
    '<suite><testcase classname="tests.a.test_b" name="test_c[1]"/>'
    '<testcase classname="tests.a.test_b" name="test_c[2]"><failure/>'
    '</testcase><testcase classname="tests.a.test_b" name="test_d"/></suite>'
  )
  found = page.cases([report])
  assert found == {
    "a/test_b.py::test_c": [True, False],
    "a/test_b.py::test_d": [True],
  }

  def seen(*tests, remark=""):
    return page.seen(rows.Row("A1", "x", "y", tests, remark), found)

  assert seen("a/test_b.py::test_d") == "1 of 1 cases"
  assert seen("a/test_b.py::test_c") == "**fails**: 1 of 2 cases"
  assert seen("a/test_b.py::test_d", "a/test_b.py::test_e") == (
    "1 of 1 cases; 1 of 2 tests did not run"
  )
  assert seen(remark="why") == "why"
  assert seen("a/test_b.py::test_d", remark="but") == "1 of 1 cases; but"
