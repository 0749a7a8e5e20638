"""BUILD is true: every file once, mains that exist, deps without a circle."""

import ast
import collections

from tests import build_file
from tests import source_tree

_LINES = 150


def test_every_file_is_in_exactly_one_target():
  counts = collections.Counter(
    source for target in build_file.targets() for source in target.srcs
  )
  files = {str(path) for path in source_tree.python_files()}
  assert set(counts) == files
  assert [name for name, count in counts.items() if count > 1] == []


def test_names_are_unique_and_deps_name_targets():
  targets = build_file.targets()
  names = {target.name for target in targets}
  assert len(names) == len(targets)
  for target in targets:
    assert set(target.deps) <= names - {target.name}, target.name


def test_mains_exist_and_have_a_main():
  binaries = [t for t in build_file.targets() if t.kind == "py_binary"]
  assert "tfvssl/train" in {target.name for target in binaries}
  for target in binaries:
    assert target.srcs == (target.main,)
    text = (source_tree.ROOT / target.main).read_text(encoding="utf-8")
    functions = {
      node.name
      for node in ast.parse(text).body
      if isinstance(node, ast.FunctionDef)
    }
    assert "main" in functions, target.main


def test_deps_have_no_circle():
  deps = {target.name: target.deps for target in build_file.targets()}
  done: set[str] = set()

  def visit(name, under_way):
    assert name not in under_way, " -> ".join([*under_way, name])
    if name not in done:
      for other in deps[name]:
        visit(other, [*under_way, name])
      done.add(name)

  for name in deps:
    visit(name, [])


def test_build_can_be_read_by_people():
  text = (source_tree.ROOT / "BUILD").read_text(encoding="utf-8")
  assert len(text.splitlines()) <= _LINES


def test_glob_takes_folders_at_any_depth_and_leaves_out(tmp_path):
  for name in ("a.py", "x/b.py", "x/y/c.py", "x/y/__main__.py", ".v/d.py"):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("")
  found = build_file.glob(tmp_path, ["**/*.py"], ["**/__main__.py"])
  assert found == ["a.py", "x/b.py", "x/y/c.py"]
  assert build_file.glob(tmp_path, ["*.py"]) == ["a.py"]
