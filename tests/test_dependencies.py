"""docs/dependencies.md, setup.py and the imports say the same."""

import ast
import re
import sys
from typing import NamedTuple

from tests import source_tree

_STATES = ("used", "waits", "pin", "tool")


class Row(NamedTuple):
  """One package of the table."""

  package: str
  modules: tuple[str, ...]
  state: str
  reason: str


def _rows() -> list[Row]:
  path = source_tree.ROOT / "docs" / "dependencies.md"
  rows = []
  for line in path.read_text(encoding="utf-8").splitlines():
    cells = [cell.strip() for cell in line.strip("| ").split("|")]
    if not line.startswith("|") or cells[0] in ("package", "---"):
      continue
    modules = tuple(re.findall(r"`([^`]+)`", cells[1]))
    rows.append(Row(cells[0], modules, cells[2], cells[3]))
  return rows


def _required() -> set[str]:
  """Returns the package names of setup.py, without versions."""
  tree = ast.parse((source_tree.ROOT / "setup.py").read_text(encoding="utf-8"))
  lists = {
    node.targets[0].id: ast.literal_eval(node.value)
    for node in tree.body
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
  }
  entries = lists["_REQUIRED"] + lists["_DEV"]
  return {re.split(r"[=<>!~;\[ ]", entry)[0] for entry in entries}


def _imported() -> dict[str, list[str]]:
  """Returns top-level names of other packages -> files that import them."""
  found = {}
  for path in source_tree.python_files():
    for item in source_tree.imports_of(path):
      name = item.name.split(".")[0]
      ours = name in source_tree.FOLDERS or name in sys.stdlib_module_names
      if not ours:
        found.setdefault(name, []).append(str(path))
  return found


def test_table_and_setup_name_the_same_packages():
  packages = [row.package for row in _rows()]
  assert len(packages) == len(set(packages))
  assert set(packages) == _required()


def test_every_row_has_a_state_and_a_reason():
  for row in _rows():
    assert row.state in _STATES and row.modules and len(row.reason) > 4, row


def test_every_import_is_of_a_package_in_use():
  known = {
    module for row in _rows() if row.state == "used" for module in row.modules
  }
  unknown = {
    name: files[:3] for name, files in _imported().items() if name not in known
  }
  assert not unknown, f"imported, and not `used` in the table: {unknown}"


def test_every_package_in_use_is_imported_and_no_other():
  imported = set(_imported())
  for row in _rows():
    used = bool(imported & set(row.modules))
    assert used == (row.state == "used"), (
      f"{row.package} is `{row.state}` in docs/dependencies.md; imported:"
      f" {used}"
    )
