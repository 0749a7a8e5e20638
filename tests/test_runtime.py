import pytest
import tensorflow as tf

from tfvssl import config
from tfvssl import runtime


def test_cpu_is_one_replica():
  strategy = runtime.build_strategy(config.Runtime())
  assert strategy.num_replicas_in_sync == 1
  assert runtime.is_chief(strategy)


def test_mirrored_without_gpu_takes_the_logical_cpus():
  settings = config.Runtime(strategy=config.Strategy.MIRRORED)
  strategy = runtime.build_strategy(settings)
  gpus = tf.config.list_logical_devices("GPU")
  cpus = tf.config.list_logical_devices("CPU")
  assert strategy.num_replicas_in_sync == len(gpus or cpus)


@pytest.mark.skipif(
  bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU"
)
def test_missing_gpu_names_the_remedy():
  settings = config.Runtime(strategy=config.Strategy.GPU)
  with pytest.raises(ValueError, match="--config.runtime.strategy=cpu"):
    runtime.build_strategy(settings)


@pytest.mark.parametrize(
  ("task_type", "task_id", "has_chief", "expected"),
  [
    (None, None, False, True),
    ("worker", 0, False, True),
    ("worker", 1, False, False),
    ("worker", 0, True, False),
    ("chief", 0, True, True),
  ],
)
def test_one_task_is_the_chief(task_type, task_id, has_chief, expected):
  assert runtime.is_chief_task(task_type, task_id, has_chief) == expected


def test_missing_tpu_names_the_remedy():
  settings = config.Runtime(strategy=config.Strategy.TPU, tpu="local")
  with pytest.raises(ValueError, match=r"`runtime.tpu` \(local\) is no TPU"):
    runtime.build_strategy(settings)
