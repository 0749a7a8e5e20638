import pytest
import tensorflow as tf

from tests import tiny_runs
from tfvssl.config import experiment as config
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder
from tfvssl.train import weights


def test_load_method_without_checkpoint_names_the_remedy(tmp_path):
  run_folder.write_config(tiny_runs.experiment(), tmp_path)
  with pytest.raises(FileNotFoundError, match="train first with"):
    weights.load_method(tmp_path)


def test_load_method_gives_the_saved_weights(tmp_path):
  experiment = tiny_runs.experiment()
  method = weights.fresh_method(experiment, seed=5)
  run_folder.write_config(experiment, tmp_path)
  state = {"method": method, "optimizer": tf.Variable(0.0)}
  checkpoint_store.CheckpointStore(tmp_path, state, kept=1).save(7)
  loaded, restored, step = weights.load_method(tmp_path)
  assert loaded == experiment and step == 7
  assert len(method.weights) > 20
  for old, new in zip(method.weights, restored.weights, strict=True):
    tf.debugging.assert_equal(old, new)


def test_precision_of_the_run_can_be_replaced(tmp_path):
  """`evaluate --set=runtime.precision` would else change nothing."""
  experiment = tiny_runs.experiment()
  method = weights.fresh_method(experiment, seed=5)
  run_folder.write_config(experiment, tmp_path)
  checkpoint_store.CheckpointStore(tmp_path, {"method": method}, kept=1).save(7)
  try:
    for precision, dtype in (
      (None, "float32"),
      (config.Precision.BFLOAT16, "bfloat16"),
      (config.Precision.FLOAT32, "float32"),
    ):
      _, loaded, _ = weights.load_method(tmp_path, precision)
      assert loaded.narrow_backbone.stem.compute_dtype == dtype
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")


def test_fresh_method_depends_on_its_seed_only():
  experiment = tiny_runs.experiment()
  first, again, other = (
    weights.fresh_method(experiment, seed).trainable_variables
    for seed in (1, 1, 2)
  )
  for a, b in zip(first, again, strict=True):
    tf.debugging.assert_equal(a, b)
  kernels = [i for i, v in enumerate(first) if "kernel" in v.name]
  assert len(kernels) > 5
  for i in kernels:
    assert float(tf.reduce_max(tf.abs(first[i] - other[i]))) > 1e-4
