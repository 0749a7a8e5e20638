"""BUILD says the same as the files: `python -m tests.test_build --write`.

One target per Python file, named by its path; all `__init__.py`, which import
nothing of ours, are one target. `deps` are the imports from the project.
Packages from pip come from the environment (docs/dependencies.md).
"""

import ast
import difflib
import pathlib
import sys

from tests import source_tree

_HEADER = """\
# One target per file; deps are what the file imports from the project, packages
# of pip come from the environment (docs/dependencies.md).
# Held against the files by tests/test_build.py, which also rewrites it:
#   python -m tests.test_build --write
# Bazel itself is not part of the checks.

package(default_visibility = ["//visibility:public"])
"""
_PACKAGES = "packages"
_FOLDERS = tuple(name for name in source_tree.FOLDERS if name != "tests")
_DATA = {"tests/golden": 'glob(["tests/golden/vectors/**"])'}


def build_text(root: pathlib.Path = source_tree.ROOT) -> str:
  """Returns what BUILD has to be for the Python files under `root`."""
  files = source_tree.python_files(root)
  packages = [path for path in files if path.name == "__init__.py"]
  others = [path for path in files if path.name != "__init__.py"]
  rules = [
    _rule("py_library", _PACKAGES, [str(path) for path in packages], [], None)
  ]
  for path in others:
    rules.append(
      _rule(
        _kind(path, root),
        _target(path),
        [str(path)],
        _deps(path, others, root),
        _DATA.get(str(path.parent)) if _is_test(path) else None,
      )
    )
  return "\n".join([_HEADER, *rules])


def _target(path):
  return str(path.with_suffix(""))


def _is_test(path):
  return path.parts[0] == "tests" and path.name.startswith("test_")


def _kind(path, root):
  if _is_test(path):
    return "py_test"
  text = (root / path).read_text(encoding="utf-8")
  runs = any(
    isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
    for node in ast.parse(text).body
  )
  return "py_binary" if runs else "py_library"


def _deps(path, others, root):
  """Returns the labels of the files that `path` imports, sorted."""
  by_module = {source_tree.module_name(other): other for other in others}
  imported = {item.name for item in source_tree.imports_of(path, root)}
  needed = {by_module[name] for name in imported if name in by_module}
  if _is_test(path):  # pytest loads the conftest.py of every folder above
    needed |= {
      other
      for other in others
      if other.name == "conftest.py" and other.parent in path.parents
    }
  ours = [name for name in imported if name.split(".")[0] in _FOLDERS]
  labels = {f":{_target(other)}" for other in needed - {path}}
  return sorted(labels | ({f":{_PACKAGES}"} if ours else set()))


def _rule(kind, name, sources, deps, data):
  lines = [f"{kind}(", f'    name = "{name}",']
  lines += _list("srcs", sources)
  if kind != "py_library":
    lines.append(f'    main = "{sources[0]}",')
  if data:
    lines.append(f"    data = {data},")
  lines += _list("deps", deps) if deps else []
  return "\n".join([*lines, ")", ""])


def _list(key, values):
  if len(values) == 1:
    return [f'    {key} = ["{values[0]}"],']
  return [
    f"    {key} = [",
    *(f'        "{value}",' for value in values),
    "    ],",
  ]


def _targets(text):
  """Returns the rules of a BUILD file as dicts, by evaluating literals only."""
  found = []
  for node in ast.parse(text).body:
    call = node.value
    if not isinstance(call, ast.Call) or call.func.id == "package":
      continue
    found.append(
      {
        keyword.arg: ast.literal_eval(keyword.value)
        for keyword in call.keywords
        if not isinstance(keyword.value, ast.Call)
      }
    )
  return found


def test_build_file_says_what_the_files_say():
  written = (source_tree.ROOT / "BUILD").read_text(encoding="utf-8")
  expected = build_text()
  difference = "\n".join(
    difflib.unified_diff(
      written.splitlines(),
      expected.splitlines(),
      "BUILD",
      "expected; run: python -m tests.test_build --write",
      lineterm="",
    )
  )
  assert written == expected, difference


def test_every_file_is_in_exactly_one_target_and_deps_exist():
  targets = _targets((source_tree.ROOT / "BUILD").read_text(encoding="utf-8"))
  sources = [source for target in targets for source in target["srcs"]]
  files = [str(path) for path in source_tree.python_files()]
  assert sorted(sources) == files
  names = {f":{target['name']}" for target in targets}
  assert len(names) == len(targets)
  for target in targets:
    assert set(target.get("deps", [])) <= names - {f":{target['name']}"}


def test_text_of_a_small_tree(tmp_path):
  package = tmp_path / "tfvssl"
  package.mkdir()
  (package / "__init__.py").write_text("")
  (package / "views.py").write_text("import enum\n")
  (package / "train.py").write_text(
    "def main():\n"
    "  from tfvssl import views\n"
    "if __name__ == '__main__':\n"
    "  main()\n"
  )
  (tmp_path / "tests").mkdir()
  (tmp_path / "tests" / "conftest.py").write_text("import pytest\n")
  (tmp_path / "tests" / "test_views.py").write_text(
    "from tfvssl import views\n"
  )
  assert (
    build_text(tmp_path).removeprefix(_HEADER)
    == """
py_library(
    name = "packages",
    srcs = ["tfvssl/__init__.py"],
)

py_library(
    name = "tests/conftest",
    srcs = ["tests/conftest.py"],
)

py_test(
    name = "tests/test_views",
    srcs = ["tests/test_views.py"],
    main = "tests/test_views.py",
    deps = [
        ":packages",
        ":tests/conftest",
        ":tfvssl/views",
    ],
)

py_binary(
    name = "tfvssl/train",
    srcs = ["tfvssl/train/__main__.py"],
    main = "tfvssl/train/__main__.py",
    deps = [
        ":packages",
        ":tfvssl/views",
    ],
)

py_library(
    name = "tfvssl/views",
    srcs = ["tfvssl/views.py"],
)
"""
  )


if __name__ == "__main__":
  if sys.argv[1:] != ["--write"]:
    sys.exit("usage: python -m tests.test_build --write")
  (source_tree.ROOT / "BUILD").write_text(build_text(), encoding="utf-8")
