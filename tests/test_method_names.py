"""No shared file knows a method by name: methods and encoders answer.

So that the next method is added without an edit of what serves them all. Read
are imports, names, and string constants that are not docstrings.
"""

import ast
import pathlib
import re

import pytest

from tests import source_tree

# They are of one method, or choose some: methods themselves, recipes, files of
# published weights, measurements of ours and the demo.
_OF_METHODS = (
  "benchmarks/",
  "configs/",
  "tests/",
  "tfvssl/demo/",
  "tfvssl/import_weights/",
  "tfvssl/methods/",
)
_NAMES = re.compile(r"brave|mmv|stica|av_?temporal", re.I)
# Of a recipe that a help or a `next:` line proposes.
_RECIPE = re.compile(r"(--config=|configs/)(tiny_\w+|\w+/\w+)(\.py)?")
# A paper that is the source of a protocol's settings, or of a flag's.
_PAPER = re.compile(r"\b(BraVe|MMV|STiCA)('s)? (paper|appendix|evaluates)\b")


def names_in(code: str) -> list[str]:
  """Returns `line: what` for every method that `code` knows by name."""
  tree = ast.parse(code)
  docstrings = _docstrings(tree)
  found = []
  for node in ast.walk(tree):
    for text in _words(node):
      if id(node) not in docstrings and _NAMES.search(_allowed(text)):
        found.append((node.lineno, text))
  return [f"{line}: {text}" for line, text in sorted(found)]


def _allowed(text):
  return _PAPER.sub("", _RECIPE.sub("", text))


def _words(node):
  """Returns what a node says in words."""
  if isinstance(node, ast.Constant):
    return [node.value] if isinstance(node.value, str) else []
  if isinstance(node, ast.Import):
    return [alias.name for alias in node.names]
  if isinstance(node, ast.ImportFrom):
    return [f"{node.module}.{alias.name}" for alias in node.names]
  if isinstance(node, ast.Name):
    return [node.id]
  if isinstance(node, ast.Attribute):
    return [node.attr]
  if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
    return [node.name]
  if isinstance(node, ast.arg):
    return [node.arg]
  return []


def _docstrings(tree):
  """Returns the ids of the nodes that are docstrings."""
  kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
  first = [
    node.body[0]
    for node in ast.walk(tree)
    if isinstance(node, kinds) and node.body
  ]
  return {id(node.value) for node in first if isinstance(node, ast.Expr)}


def _shared_files() -> list[pathlib.PurePosixPath]:
  return [
    path
    for path in source_tree.python_files()
    if not path.as_posix().startswith(_OF_METHODS)
  ]


def test_shared_files_name_no_method():
  found = []
  for path in _shared_files():
    code = (source_tree.ROOT / path).read_text(encoding="utf-8")
    found += [f"{path}:{line}" for line in names_in(code)]
  assert not found, "\n".join(found)


def test_what_is_of_methods_is_there():
  # A folder that moved would let everything in its new place pass.
  files = [path.as_posix() for path in source_tree.python_files()]
  for folder in _OF_METHODS:
    assert any(path.startswith(folder) for path in files), folder
  assert len(_shared_files()) > 100


@pytest.mark.parametrize(
  ("code", "found"),
  [
    ("from tfvssl.methods import mmv", ["1: tfvssl.methods.mmv"]),
    ("import tfvssl.methods.brave as b", ["1: tfvssl.methods.brave"]),
    ('def f(x):\n  return x == "stica"', ["2: stica"]),
    ('raise ValueError(f"{1} is not a run of av_temporal")', None),
    ("isinstance(encoder, module.MmvEncoder)", ["1: MmvEncoder"]),
    ("def mmv_key(name):\n  pass", ["1: mmv_key"]),
    ('"""Source: MMV paper; BraVe does so, too."""', []),
    ('def f():\n  """As mmv does."""\n  return 1', []),
    ('x = "python -m tfvssl.train --config=configs/tiny_brave.py"', []),
    ('x = "for example --config=brave/va_audioset or"', []),
    ('x = "tiny_brave"', None),
    ('x = "MMV paper appendix A.2, ImageNet"', []),
    ('x = "the run of MMV"', ["1: the run of MMV"]),
    ('x = "configs/tiny_brave.py of brave"', None),
  ],
)
def test_what_counts_as_a_name(code, found):
  if found is None:
    assert len(names_in(code)) == 1
  else:
    assert names_in(code) == found
