"""AutoGraph rewrites functions as it traces them; nothing here needs that.

It doubles the time of tracing, which is most of what a command does first.
"""

import ast

import pytest
import tensorflow as tf

from tests import source_tree
from tests import tiny_runs
from tests.evaluate import grey_records
from tfvssl.config import protocols
from tfvssl.evaluate import baselines
from tfvssl.evaluate.protocols import linear
from tfvssl.train import weights


def _traces_with_autograph(call):
  """Returns if a node is a call of tf.function without autograph=False."""
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


@pytest.fixture
def is_used(capsys):
  """Returns whether AutoGraph was asked since; what it has converted counts."""
  tf.autograph.set_verbosity(1, alsologtostdout=True)
  yield lambda: "Converted call" in capsys.readouterr().out
  tf.autograph.set_verbosity(0)


def test_its_use_is_seen(is_used):
  tf.data.Dataset.range(1).map(lambda number: number + 1)
  assert is_used()


def test_weights_are_built_without_autograph(is_used):
  weights.fresh_method(tiny_runs.experiment(), 0)
  assert not is_used()


def test_clips_are_read_and_learned_from_without_autograph(tmp_path, is_used):
  folders = [
    str(grey_records.bright_and_dark(tmp_path / name, 6, first=first))
    for name, first in (("train", 0), ("test", 20))
  ]
  spec = grey_records.plain_spec()
  settings = grey_records.settings(
    spec, linear.test_spec(spec, 20), test_short_side=20
  )
  recipe = protocols.Linear(epochs=1, warmup_epochs=0, batch_size=2)
  protocol = linear.LinearProtocol("video", settings, recipe=recipe)
  splits = protocol.open_splits(*([folder] for folder in folders))
  is_used()  # forgets what TFRecordDataset asks of its own functions
  protocol.evaluate(grey_records.mean_colour_encoder(spec), splits)
  baselines.samples(folders[0])
  assert not is_used()
