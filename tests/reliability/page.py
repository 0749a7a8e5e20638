"""Writes docs/reliability.md of the tests that ran.

make test PYTEST_FLAGS=--junitxml=fast.xml
make test-slow PYTEST_FLAGS=--junitxml=slow.xml
python -m tests.reliability.page fast.xml slow.xml
"""

from collections.abc import Iterable
import pathlib
import sys
from xml.etree import ElementTree

from tests.reliability import catalogue
from tests.reliability import row as rows

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/reliability.md"
_TITLE = """# What happens when something breaks

Every row is a fault that tests make happen. The page is written of the tests
that ran, by `python -m tests.reliability.page`; the last column counts their
cases. What does not hold, or not wholly, says so.
"""


def cases(reports: Iterable[pathlib.Path]) -> dict[str, list[bool]]:
  """Returns for every test, `file::name`, which of its cases passed.

  Args:
    reports: JUnit files of pytest; of a case that is in several the last
      counts.
  """
  found: dict[str, dict[str, bool]] = {}
  for report in reports:
    for case in ElementTree.parse(report).iter("testcase"):
      file = case.get("classname", "").removeprefix("tests.").replace(".", "/")
      name = case.get("name", "")
      passed = not {"failure", "error", "skipped"} & {e.tag for e in case}
      test = f"{file}.py::{name.partition('[')[0]}"
      found.setdefault(test, {})[name] = passed
  return {test: list(own.values()) for test, own in found.items()}


def text(found: dict[str, list[bool]]) -> str:
  """Returns the page."""
  faults = "\n".join(_line(row, found) for row in catalogue.FAULTS)
  figures = "\n".join(_line(row, found) for row in catalogue.FIGURES)
  header = "| | made to happen | expected | seen |\n|---|---|---|---|\n"
  return f"{_TITLE}\n{header}{faults}\n\n## Figures\n\n{header}{figures}\n"


def _line(row, found):
  return f"| {row.number} | {row.fault} | {row.expected} | {seen(row, found)} |"


def seen(row: rows.Row, found: dict[str, list[bool]]) -> str:
  """Returns in words how the tests of a row went."""
  if not row.tests:
    return row.remark or "no test"
  missing = [test for test in row.tests if test not in found]
  ran = [passed for test in row.tests for passed in found.get(test, ())]
  words = f"{sum(ran)} of {len(ran)} cases"
  if sum(ran) < len(ran):
    words = f"**fails**: {words}"
  if missing:
    words += f"; {len(missing)} of {len(row.tests)} tests did not run"
  return f"{words}; {row.remark}" if row.remark else words


def main(argv: list[str]) -> int:
  """Writes the page of the reports that are named."""
  PAGE.write_text(text(cases(map(pathlib.Path, argv[1:]))), encoding="utf-8")
  return 0


if __name__ == "__main__":
  sys.exit(main(sys.argv))
