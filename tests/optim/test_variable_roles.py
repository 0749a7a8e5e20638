import pytest
import tensorflow as tf

from tfvssl.optim import variable_roles


@pytest.mark.parametrize(
  ("name", "role"),
  [
    ("narrow_backbone/unit_0_block_0/conv_0/kernel:0", "weight"),
    ("projector/linear/bias:0", "excluded"),
    ("projector/batch_norm/gamma:0", "excluded"),
    ("projector/batch_norm/beta/replica_1:0", "excluded"),
    ("projector/linear/kernel/replica_12:0", "weight"),
    # What a search for 'bias' or 'batch_norm' would get wrong.
    ("unbiased/batch_norm_free/kernel:0", "weight"),
  ],
)
def test_role_is_the_last_part_of_the_path(name, role):
  assert variable_roles.role(name).value == role


@pytest.mark.parametrize(
  ("name", "expected"),
  [
    ("predictor/linear/kernel:0", 10.0),
    ("brave/predictor_1/linear/bias/replica_1:0", 10.0),
    ("broad_flow_predictor/linear/kernel:0", 10.0),
    ("linear_head/linear/kernel:0", 0.5),
    # The first that fits counts.
    ("linear_head/predictor/kernel:0", 10.0),
    ("projector/linear/kernel:0", 1.0),
    # A part holds layers; the variable's own name is none.
    ("projector/predictor:0", 1.0),
    ("predictor:0", 1.0),
  ],
)
def test_part_is_a_word_in_the_path(name, expected):
  values = {"predictor": 10.0, "linear_head": 0.5}
  assert variable_roles.of_part(name, values, 1.0) == expected


def test_variable_without_a_role():
  variables = [
    tf.Variable(1.0, name="a/kernel"),
    tf.Variable(1.0, name="token"),
  ]
  with pytest.raises(
    ValueError,
    match="variable 'token:0' is none of .* beta, positions, class; say in",
  ):
    variable_roles.check(variables)
