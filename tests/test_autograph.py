"""AutoGraph rewrites functions as it traces them; nothing here needs that.

It doubles the time of tracing, which is most of what a command does first.
"""

import ast
import tempfile

from tests import source_tree
from tests import tiny_runs
from tfvssl.train import weights


def _traces_with_autograph(call):
  """Returns if a node is tf.function, with what it is given, without a word."""
  if not isinstance(call, ast.Call) or ast.unparse(call.func) != "tf.function":
    return False
  given = {word.arg: ast.unparse(word.value) for word in call.keywords}
  return given.get("autograph") != "False"


def test_functions_are_traced_as_they_are_written():
  found = []
  for path in source_tree.python_files():
    tree = ast.parse((source_tree.ROOT / path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
      places = [node] if _traces_with_autograph(node) else []
      for decorator in getattr(node, "decorator_list", []):
        if ast.unparse(decorator) == "tf.function":
          places.append(decorator)
      found += [f"{path}:{place.lineno}" for place in places]
  assert not found, "tf.function without autograph=False"


def test_weights_are_built_without_autograph(tmp_path, monkeypatch):
  monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
  weights.fresh_method(tiny_runs.experiment(), 0)
  assert not list(tmp_path.iterdir())  # what AutoGraph writes lies there
