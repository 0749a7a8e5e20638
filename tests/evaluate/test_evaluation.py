"""A request that cannot be met ends before networks are made.

Whole evaluations stand in test_command.py.
"""

import dataclasses

import pytest
import tensorflow as tf

from tests import tiny_runs
from tfvssl.config import experiment as config
from tfvssl.evaluate import evaluation
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import linear
from tfvssl.evaluate.protocols import svm
from tfvssl.runtime import exit_codes
from tfvssl.train import run_folder


def _request(workdir, **changes):
  settings = {
    "protocol": "svm",
    "train_records": ("a",),
    "test_records": ("b",),
    **changes,
  }
  return requests.Request(workdir=workdir, **settings)


def test_folder_without_a_run_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match="config.json does not exist"):
    evaluation.run(_request(tmp_path))


def test_damaged_configuration_is_bad_data(tmp_path):
  (tmp_path / run_folder.CONFIG_NAME).write_text("{")
  with pytest.raises(exit_codes.UserError, match="config.json") as caught:
    evaluation.run(_request(tmp_path))
  assert caught.value.exit_code == exit_codes.DATA


def test_flags_are_checked_before_the_run_is_read(tmp_path):
  with pytest.raises(ValueError, match="must pair, once or more"):
    evaluation.run(_request(tmp_path, test_records=()))


def test_changed_settings_are_checked(tmp_path):
  run_folder.write_config(tiny_runs.experiment(), tmp_path)
  with pytest.raises(ValueError, match=r"`svm.train_epochs` \(0\) must be abo"):
    evaluation.run(_request(tmp_path, changes=("svm.train_epochs=0",)))


def test_several_hosts_become_the_replicas_of_one():
  experiment = tiny_runs.experiment(
    runtime=config.Runtime(strategy=config.Strategy.MULTI_WORKER)
  )
  with evaluation._scope(linear.LinearProtocol, experiment):
    strategy = tf.distribute.get_strategy()
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
  with evaluation._scope(svm.SvmProtocol, experiment):
    assert not tf.distribute.has_strategy()


def test_placement_that_is_not_there_has_a_remedy():
  experiment = tiny_runs.experiment()
  runtime = dataclasses.replace(
    experiment.runtime, strategy=config.Strategy.GPU
  )
  experiment = dataclasses.replace(experiment, runtime=runtime)
  with pytest.raises(ValueError, match="--set=runtime.strategy=cpu.$"):
    evaluation._scope(linear.LinearProtocol, experiment)
