import pytest
import tensorflow as tf

from tfvssl.config import experiment
from tfvssl.runtime import replicas


def test_cpu_is_one_replica():
  strategy = replicas.build_strategy(experiment.Runtime())
  assert strategy.num_replicas_in_sync == 1
  assert replicas.is_chief(strategy)


def test_mirrored_without_gpu_takes_the_logical_cpus():
  settings = experiment.Runtime(strategy=experiment.Strategy.MIRRORED)
  strategy = replicas.build_strategy(settings)
  gpus = tf.config.list_logical_devices("GPU")
  cpus = tf.config.list_logical_devices("CPU")
  assert strategy.num_replicas_in_sync == len(gpus or cpus)


@pytest.mark.skipif(
  bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU"
)
def test_missing_gpu_names_the_remedy():
  settings = experiment.Runtime(strategy=experiment.Strategy.GPU)
  with pytest.raises(ValueError, match="--config.runtime.strategy=cpu"):
    replicas.build_strategy(settings)


def test_missing_tpu_names_the_remedy():
  settings = experiment.Runtime(strategy=experiment.Strategy.TPU, tpu="local")
  with pytest.raises(ValueError, match=r"`runtime.tpu` \(local\) is no TPU"):
    replicas.build_strategy(settings)
