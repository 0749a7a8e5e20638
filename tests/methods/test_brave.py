import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_runs
from tfvssl import views
from tfvssl.backbones import tsm_resnet
from tfvssl.config import pictures
from tfvssl.methods import brave
from tfvssl.train import weights


def _method(num_views=1, **changes):
  tf.keras.utils.set_random_seed(0)
  settings = tiny_runs.method_config(num_views)
  for name, value in changes.items():
    setattr(settings, name, value)
  method = settings.build()
  weights.build_weights(method)
  return method


def _unit(x):
  return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _loss_by_hand(method, batch, num_views):
  """Eq. 2 to 5 of the paper in NumPy, on the method's own embeddings."""
  views_seen = method.augment(batch, 0)

  def embed(backbone, adapter, inputs):
    features = backbone(inputs, training=False)
    if adapter is not None:
      features = adapter(features)
    z = method.projector(features, training=False)
    return z.numpy(), method.predictor(z, training=False).numpy()

  z_n, h_n = embed(method.narrow_backbone, None, views_seen["narrow"].video)
  names = (
    ["broad_audio"]
    if num_views == 1
    else [f"broad_audio_{k + 1}" for k in range(num_views)]
  )
  broad = [
    embed(
      method.broad_backbones["audio"],
      method.broad_adapters.get("audio"),
      views_seen[name].audio,
    )
    for name in names
  ]
  target = np.mean([z for z, _ in broad], axis=0)
  narrow_to_broad = np.sum((_unit(h_n) - _unit(target)) ** 2, axis=-1)
  broad_to_narrow = np.mean(
    [np.sum((_unit(h) - _unit(z_n)) ** 2, axis=-1) for _, h in broad], axis=0
  )
  return narrow_to_broad.mean(), broad_to_narrow.mean()


@pytest.mark.parametrize("num_views", [1, 3])
def test_loss_is_equation_5(num_views):
  method = _method(num_views)
  batch = tiny_runs.batch(method, 4)
  loss, metrics, _ = method.loss(batch, 0, training=False)
  narrow_to_broad, broad_to_narrow = _loss_by_hand(method, batch, num_views)
  # 1e-5: float32 networks, evaluated twice.
  np.testing.assert_allclose(
    metrics["loss/narrow_to_audio"], narrow_to_broad, rtol=1e-5
  )
  np.testing.assert_allclose(
    metrics["loss/audio_to_narrow"], broad_to_narrow, rtol=1e-5
  )
  np.testing.assert_allclose(loss, narrow_to_broad + broad_to_narrow, rtol=1e-5)


def test_embeddings_go_through_the_heads_of_their_modality():
  """K = 2, heads of their own: g and h of sound, mean of both views."""
  method = _method(2, sharing=brave.Sharing(projector=False, predictor=False))
  batch = tiny_runs.batch(method, 3)
  found = method.embeddings(batch, 0, training=False)
  by_hand = []
  for k in (0, 1):
    sound = method.broad_backbones["audio"](batch[f"broad_audio_{k + 1}"].audio)
    z = method.broad_projectors["audio"](method.broad_adapters["audio"](sound))
    # 1e-5: float32 networks, evaluated twice.
    np.testing.assert_allclose(found.broad["audio"][k].z, z, rtol=1e-5)
    np.testing.assert_allclose(
      found.broad["audio"][k].prediction,
      method.broad_predictors["audio"](z),
      rtol=1e-5,
    )
    by_hand.append(z.numpy())
  np.testing.assert_allclose(
    brave.target(found.broad["audio"]), np.mean(by_hand, axis=0), rtol=1e-5
  )
  assert not np.allclose(*by_hand)
  np.testing.assert_allclose(
    found.narrow.z, method.projector(found.narrow.features), rtol=1e-5
  )
  np.testing.assert_allclose(
    found.narrow.prediction, method.predictor(found.narrow.z), rtol=1e-5
  )


def test_released_scale_is_a_quarter_with_one_modality():
  paper = _method()
  released = _method(loss_scale=brave.LossScale.RELEASED)
  batch = tiny_runs.batch(paper, 4)
  expected = paper.loss(batch, 0, training=False).loss
  found = released.loss(batch, 0, training=False).loss
  np.testing.assert_allclose(found, expected / 4, rtol=1e-6)


def test_every_variable_gets_a_gradient():
  method = _method()
  batch = tiny_runs.batch(method, 4)
  with tf.GradientTape() as tape:
    loss, *_ = method.loss(batch, 0)
  variables = method.trainable_variables
  gradients = tape.gradient(loss, variables)
  without = [v.name for v, g in zip(variables, gradients) if g is None]
  assert not without
  assert len({id(v) for v in variables}) == len(variables) > 40


def test_one_projector_and_predictor_serve_all_views():
  names = [v.name for v in _method(2).trainable_variables]
  assert sum("predictor" in n and "kernel" in n for n in names) == 2
  assert sum("projector" in n and "kernel" in n for n in names) == 2


def test_adapter_only_where_dimensions_differ():
  method = _method()
  assert method.narrow_backbone.output_dim == 32
  assert method.broad_backbones["audio"].output_dim == 16
  assert set(method.broad_adapters) == {"audio"}
  same = _method(
    broad={
      "rgb": brave.Broad(
        view=views.RgbViewSpec(num_frames=4, image_size=16),
        backbone=tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125),
      )
    }
  )
  assert not same.broad_adapters
  assert set(same.view_specs) == {"narrow", "broad_rgb"}
  assert set(same.encoders()) == {"video", "rgb"}


def _rgb(random_convolution=False):
  return brave.Broad(
    view=views.RgbViewSpec(
      num_frames=4,
      image_size=16,
      augmentation=pictures.RgbAugmentation(
        random_convolution=random_convolution
      ),
    ),
    backbone=tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125),
  )


def test_randomly_convolved_broad_network_is_no_encoder():
  assert set(_method(broad={"rgb": _rgb(True)}).encoders()) == {"video"}


def _kernels(method, word):
  names = [variable.name for variable in method.trainable_variables]
  return sum(word in name and "kernel" in name for name in names)


# The five rows of paper Table 5.
@pytest.mark.parametrize(
  ("backbone", "projector", "predictor"),
  [
    (False, False, False),
    (False, True, False),
    (False, True, True),
    (True, True, False),
    (True, True, True),
  ],
)
def test_sharing_says_which_weights_are_one(backbone, projector, predictor):
  method = _method(
    broad={"rgb": _rgb()},
    sharing=brave.Sharing(backbone, projector, predictor),
  )
  same = method.broad_backbones["rgb"] is method.narrow_backbone
  assert same == backbone
  # Stem, shortcut and three convolutions, of one network or of two.
  assert _kernels(method, "_backbone/") == (5 if backbone else 10)
  assert _kernels(method, "projector/") == (2 if projector else 4)
  assert _kernels(method, "predictor/") == (2 if predictor else 4)
  batch = tiny_runs.batch(method, 4)
  seen = method.augment(batch, 0)

  def embed(network, projector, predictor, video):
    z = projector(network(video, training=False), training=False)
    return z.numpy(), predictor(z, training=False).numpy()

  z_n, h_n = embed(
    method.narrow_backbone,
    method.projector,
    method.predictor,
    seen["narrow"].video,
  )
  z_b, h_b = embed(
    method.broad_backbones["rgb"],
    method.broad_projectors["rgb"],
    method.broad_predictors["rgb"],
    seen["broad_rgb"].video,
  )
  by_hand = np.sum((_unit(h_n) - _unit(z_b)) ** 2, axis=-1)
  by_hand += np.sum((_unit(h_b) - _unit(z_n)) ** 2, axis=-1)
  loss, *_ = method.loss(batch, 0, training=False)
  assert float(loss) == pytest.approx(by_hand.mean(), rel=1e-5)


def test_only_like_rgb_networks_can_be_one():
  settings = tiny_runs.method_config()
  settings.sharing = brave.Sharing(backbone=True)
  with pytest.raises(
    ValueError, match="needs RGB in every broad view; `audio`"
  ):
    settings.validate()
  settings.broad = {"rgb": _rgb()}
  settings.broad["rgb"].backbone.width = 0.25
  with pytest.raises(ValueError, match="needs one kind of network"):
    settings.validate()


def test_flow_and_audio_together_sum_their_losses():
  flow = brave.Broad(
    view=views.FlowViewSpec(num_frames=4, image_size=16, resize_short_side=18),
    backbone=tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125),
  )
  sound = tiny_runs.method_config().broad["audio"]
  method = _method(broad={"flow": flow, "audio": sound})
  loss, metrics, _ = method.loss(tiny_runs.batch(method, 4), 0, training=False)
  terms = [
    float(metrics[f"loss/{direction}"])
    for name in ("flow", "audio")
    for direction in (f"narrow_to_{name}", f"{name}_to_narrow")
  ]
  assert len(set(terms)) == 4
  assert float(loss) == pytest.approx(sum(terms), rel=1e-6)
  assert set(method.encoders()) == {"video", "flow", "audio"}


def test_encoders_share_the_trained_weights():
  method = _method()
  encoders = method.encoders()
  assert set(encoders) == {"video", "audio"}
  batch = method.augment(tiny_runs.batch(method, 3), 0)
  features = method.narrow_backbone(batch["narrow"].video)
  outputs = encoders["video"](batch["narrow"].video)
  tf.debugging.assert_equal(outputs["backbone"], features)
  tf.debugging.assert_equal(outputs["embedding"], method.projector(features))
  sound = encoders["audio"](batch["broad_audio"].audio)
  assert sound["backbone"].shape == (3, 16)
  assert sound["embedding"].shape == (3, 8)


def test_mean_embedding_loss_is_that_of_a_constant_prediction():
  method = _method()
  batch = tiny_runs.batch(method, 6)
  _, metrics, _ = method.loss(batch, 0)
  assert float(metrics["loss/mean_embedding"]) > 0.5
  seen = method.augment(batch, 0)
  features_n = method.narrow_backbone(seen["narrow"].video, training=True)
  features_b = method.broad_adapters["audio"](
    method.broad_backbones["audio"](seen["broad_audio"].audio, training=True)
  )
  z_n = method.projector(features_n, training=True).numpy()
  z_b = method.projector(features_b, training=True).numpy()
  expected = 0.0
  for z in (_unit(z_n), _unit(z_b)):
    constant = _unit(z.mean(axis=0))
    expected += np.mean(np.sum((constant - z) ** 2, axis=-1))
  np.testing.assert_allclose(
    metrics["loss/mean_embedding"], expected, rtol=1e-5
  )


def _flow_and_audio():
  """Returns a method whose modalities share nothing."""
  flow = brave.Broad(
    view=views.FlowViewSpec(num_frames=4, image_size=16, resize_short_side=18),
    backbone=tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125),
  )
  sound = tiny_runs.method_config().broad["audio"]
  return _method(
    broad={"flow": flow, "audio": sound},
    sharing=brave.Sharing(projector=False, predictor=False),
  )


def test_checkpoints_name_the_networks_as_version_0_1_did(tmp_path):
  """Runs on disk are found by these names: a change would lose them."""
  path = tf.train.Checkpoint(method=_flow_and_audio()).write(tmp_path / "all")
  keys = tf.train.load_checkpoint(path).get_variable_to_shape_map()
  parts = [key.split("/") for key in keys if key.startswith("method/")]
  modalities = {
    name: {part[2] for part in parts if part[1] == name}
    for name in {part[1] for part in parts}
    if name.startswith("broad_")
  }
  assert modalities == {
    "broad_backbones": {"flow", "audio"},
    "broad_adapters": {"audio"},
    "broad_projectors": {"flow", "audio"},
    "broad_predictors": {"flow", "audio"},
  }
  assert {part[1] for part in parts} - {*modalities} == {
    "narrow_backbone",
    "projector",
    "predictor",
  }
  kernel = "linears/0/kernel/.ATTRIBUTES/VARIABLE_VALUE"
  assert keys[f"method/broad_predictors/audio/{kernel}"] == [8, 32]


def test_initial_weights_of_a_seed_are_those_of_version_0_1():
  """They hang on the order in which networks are made; 1eb625a gave these."""
  first = {
    layer.name: float(tf.reshape(layer.trainable_variables[0], [-1])[0])
    for layer in _flow_and_audio().layers
  }
  # Sums over all weights hang on the order in which the layers come.
  assert list(first.items()) == [
    (name, pytest.approx(value, rel=1e-6))
    for name, value in (
      ("narrow_backbone", 0.09690031),
      ("broad_audio_backbone", 0.07963567),
      ("broad_flow_backbone", -0.09488855),
      ("broad_audio_adapter", -0.26578447),
      ("projector", -0.16009404),
      ("predictor", 0.020920858),
      ("broad_audio_projector", -0.17470285),
      ("broad_flow_projector", -0.33226052),
      ("broad_audio_predictor", 0.47259656),
      ("broad_flow_predictor", -0.55673116),
    )
  ]


def test_loss_falls_on_eight_fixed_clips():
  method = _method()
  batch = tiny_runs.batch(method, 8)
  optimizer = tf.keras.optimizers.legacy.Adam(3e-3)

  @tf.function(autograph=False)
  def step():
    with tf.GradientTape() as tape:
      loss, *_ = method.loss(batch, 0)
    variables = method.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss

  losses = [float(step()) for _ in range(40)]
  assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
