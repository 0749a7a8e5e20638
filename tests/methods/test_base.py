import pytest
import tensorflow as tf

from tests import tiny_runs
from tests.methods import method_with_targets
from tfvssl import views
from tfvssl.backbones import tsm_resnet
from tfvssl.methods import base
from tfvssl.train import weights


def test_a_method_must_say_what_it_is():
  method = base.Method()
  clip = views.Clip(*(tf.constant(0),) * 4)
  for name, call in (
    ("view_specs", lambda: method.view_specs),
    ("sample_views", lambda: method.sample_views(clip, 0)),
    ("view_specs", lambda: method.augment({}, 0)),
    ("loss", lambda: method.loss({}, 0)),
    ("encoders", method.encoders),
  ):
    with pytest.raises(TypeError, match=f"Method defines no `{name}`"):
      call()


def test_signature_is_what_the_pipeline_yields():
  settings = tiny_runs.method_config(2)
  signature = base.view_signature(settings.build(), 5)
  assert set(signature) == {"narrow", "broad_audio_1", "broad_audio_2"}
  assert signature["narrow"].video == tf.TensorSpec([5, 4, 16, 16, 3], tf.uint8)
  sound = signature["broad_audio_1"]
  assert sound.audio == tf.TensorSpec([5, 25, 40], tf.float32)
  assert sound.video is None and sound.epoch.dtype == tf.int64


def test_signature_has_the_labels_that_a_method_makes_itself():
  method = method_with_targets.experiment().method.build()
  signature = base.view_signature(method, 5)
  assert signature["narrow"].targets == tf.TensorSpec([5, 2], tf.int32)
  assert signature["broad_audio"].targets is None
  plain = base.view_signature(tiny_runs.method_config().build(), 5)
  assert plain["narrow"].targets is None


def test_encoder_applies_its_heads_in_order():
  encoder = base.Encoder(
    views.RgbViewSpec(),
    tf.keras.layers.Lambda(lambda x: x + 1.0),
    [
      tf.keras.layers.Lambda(lambda x: x * 2.0),
      tf.keras.layers.Lambda(lambda x: x - 3.0),
    ],
  )
  outputs = encoder(tf.constant([[1.0, 5.0]]))
  tf.debugging.assert_equal(outputs["backbone"], [[2.0, 6.0]])
  tf.debugging.assert_equal(outputs["embedding"], [[1.0, 9.0]])


def test_encoder_names_its_embedding_by_its_space():
  network = tf.keras.layers.Lambda(lambda x: x + 1.0)
  head = tf.keras.layers.Lambda(lambda x: x * 2.0)
  spec = views.RgbViewSpec()
  encoder = base.Encoder(spec, network, [head], space="shared")
  assert encoder.spaces == ("shared",)
  outputs = encoder(tf.constant([[1.0, 5.0]]))
  assert list(outputs) == ["backbone", "embedding", "shared"]
  tf.debugging.assert_equal(outputs["shared"], [[4.0, 12.0]])
  assert base.Encoder(spec, network, [head]).spaces == ()


def test_encoder_on_another_backbone_keeps_what_stands_on_it():
  head = tf.keras.layers.Lambda(lambda x: x * 2.0)
  encoder = base.Encoder(
    views.RgbViewSpec(num_frames=8),
    tf.keras.layers.Lambda(lambda x: x + 1.0),
    [head],
    backbone_config=tsm_resnet.TSMResNetConfig(),
    space="shared",
  )
  image = views.RgbViewSpec(num_frames=1)
  other = encoder.with_backbone(image, tf.keras.layers.Lambda(lambda x: -x))
  assert (other.spec, other.spaces) == (image, ("shared",))
  assert other.heads[0] is head
  # It says what built the network: that of the new one is not known.
  assert encoder.backbone_config == tsm_resnet.TSMResNetConfig()
  assert other.backbone_config is None
  tf.debugging.assert_equal(other(tf.constant([[3.0]]))["shared"], [[-6.0]])


def test_bfloat16_keeps_losses_and_norms_in_float32():
  """Under the mixed policy the loss stays close to that of float32."""
  results = {}
  for policy in ("float32", "mixed_bfloat16"):
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
      method = weights.fresh_method(tiny_runs.experiment(), seed=0)
      batch = tiny_runs.batch(method, 8)
      with tf.GradientTape() as tape:
        loss, metrics, _ = method.loss(batch, 0)
      gradients = tape.gradient(loss, method.trainable_variables)
    finally:
      tf.keras.mixed_precision.set_global_policy("float32")
    assert {loss.dtype, *(m.dtype for m in metrics.values())} == {tf.float32}
    assert {v.dtype for v in method.weights} == {tf.float32}
    assert {g.dtype for g in gradients} == {tf.float32}
    results[policy] = float(loss)
    kernel = method.narrow_backbone.stem
    computed = tf.as_dtype(kernel.compute_dtype)
    assert (computed == tf.bfloat16) == (policy == "mixed_bfloat16")
  # bfloat16 has 8 bits: 0.4 % an operation, a few of them in a row.
  assert abs(results["float32"] - results["mixed_bfloat16"]) < 0.15
  assert results["float32"] != results["mixed_bfloat16"]
