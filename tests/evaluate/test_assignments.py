"""--set changes one value of a protocol's settings, and nothing else."""

import pytest

from tests import tiny_runs
from tfvssl.config import experiment
from tfvssl.evaluate import assignments


def test_values_take_the_kind_of_their_field():
  before = tiny_runs.experiment()
  after, _ = assignments.assign(
    before,
    [
      "svm.train_epochs=3",
      "svm.grid_c=1e-4,1e-3",
      "linear.warmup_epochs=2",
      "finetune.dropouts=0.5",
      "finetune.scale=0.9,1.1",
      "mlp.hidden_dim=64",
      "runtime.strategy=mirrored",
      "runtime.deterministic=false",
    ],
  )
  assert after.svm.train_epochs == 3
  assert after.svm.grid_c == (1e-4, 1e-3)
  assert after.linear.warmup_epochs == 2.0
  assert after.finetune.dropouts == (0.5,)
  assert after.finetune.scale == (0.9, 1.1)
  assert after.mlp.hidden_dim == 64
  assert after.runtime.strategy == experiment.Strategy.MIRRORED
  assert after.runtime.deterministic is False
  assert before == tiny_runs.experiment()


@pytest.mark.parametrize(
  ("assignment", "message"),
  [
    ("train_epochs=3", "must be SECTION.FIELD=VALUE with one of svm, linear"),
    ("svm.train_epochs", "must be SECTION.FIELD=VALUE"),
    ("steps.x=3", "must be SECTION.FIELD=VALUE"),
    ("linear.epoch=3", "has no field `epoch`; did you mean `epochs`"),
    ("linear.epochs=2.5", "'2.5' must be a whole number"),
    ("linear.learning_rate=fast", "'fast' must be a number"),
    ("svm.grid_c=a,b", "'a,b' must be numbers, separated by commas"),
    ("finetune.scale=1", "'1' must be 2 numbers, separated by commas"),
    ("runtime.deterministic=no", "'no' must be true or false"),
    ("runtime.strategy=fpga", "'fpga' must be one of cpu, gpu, mirrored"),
  ],
)
def test_bad_assignments_end_in_one_line(assignment, message):
  with pytest.raises(ValueError, match=message):
    assignments.assign(tiny_runs.experiment(), [assignment])
