"""Losses and gradients of the whole model against the released `loss_fn`.

The reference composition is written out here: every modality's projector
passes, in the released order (broad, then narrow again), halved terms, mean.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import golden_parameters
from tfvssl import views
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import tsm_resnet
from tfvssl.config import pictures
from tfvssl.methods import brave
from tfvssl.methods.parts import heads
from tfvssl.methods.parts import losses

_HEADS = "shared_project"
# Key of the file, number of the modality in its metrics.
_BROAD = {"broad_video": 1, "broad_audio": 2}


def _networks():
  """Returns every network by its published root."""
  return {
    "narrow_video_embedding/TSMResNetV2": (
      tsm_resnet.TSMResNetConfig().build("narrow_backbone")
    ),
    "broad_video_embedding/TSMResNetV2": (
      tsm_resnet.TSMResNetConfig().build("broad_video_backbone")
    ),
    "broad_audio_embedding/res_net_v2": (
      resnet_audio.AudioResNetConfig().build("broad_audio_backbone")
    ),
    f"{_HEADS}/projector": heads.Projector(),
    f"{_HEADS}/predictor": heads.Predictor(),
  }


def _inputs(arrays):
  return {
    f"{key}_embedding": (
      tf.cast(arrays[key], tf.float32) * (1.0 / 255.0)
      if arrays[key].dtype == np.uint8
      else tf.constant(arrays[key])
    )
    for key in ("narrow_video", *_BROAD)
    if key in arrays
  }


def _variables(networks, arrays):
  variables = {}
  for root, network in networks.items():
    variables.update(network.haiku_variables(root))
  golden_parameters.fill(variables, arrays["base_seed"])
  return variables


@pytest.fixture(
  scope="module", params=["brave_loss_model_va", "brave_loss_model_v_va"]
)
def result(request, golden):
  """The file, our terms, gradients by published name, batch-norm averages."""
  arrays = golden(request.param)
  inputs = _inputs(arrays)
  networks = {
    root: network
    for root, network in _networks().items()
    if root.split("/")[0] in (*inputs, _HEADS)
  }
  projector = networks[f"{_HEADS}/projector"]
  predictor = networks[f"{_HEADS}/predictor"]
  backbones = {root.split("/")[0]: net for root, net in networks.items()}
  for name, tensor in inputs.items():
    predictor(projector(backbones[name](tensor[:1])))  # makes the weights
  variables = _variables(networks, arrays)
  averages = golden_parameters.HaikuAverages(
    {name: v for name, v in variables.items() if name.startswith(_HEADS)}
  )

  def project(features):
    z = projector(features, training=True)
    h = predictor(z, training=True)
    averages.count_pass()
    return z, h

  terms = {}
  with tf.GradientTape() as tape:
    features = {
      name: backbones[name](tensor, training=True)
      for name, tensor in inputs.items()
    }
    for key, number in _BROAD.items():
      if f"{key}_embedding" in features:
        z_broad, h_broad = project(features[f"{key}_embedding"])
        z_narrow, h_narrow = project(features["narrow_video_embedding"])
        terms[f"loss_b_to_n_{number}"] = losses.regression_loss(
          h_broad, z_narrow
        )
        terms[f"loss_n_to_b_{number}"] = losses.regression_loss(
          h_narrow, z_broad
        )
    terms = {name: 0.5 * tf.reduce_mean(term) for name, term in terms.items()}
    terms["loss"] = tf.add_n(list(terms.values())) / len(terms)
  parameters = {
    name: variable
    for name, variable in variables.items()
    if not name.endswith("/average")
  }
  gradients = {
    name: gradient.numpy()
    for name, gradient in tape.gradient(terms["loss"], parameters).items()
  }
  return arrays, terms, gradients, averages


def test_losses(result):
  arrays, terms, _, _ = result
  prefix = "metric:"
  metrics = {
    key.removeprefix(prefix): value
    for key, value in arrays.items()
    if key.startswith(prefix)
  }
  assert sorted(metrics) == sorted(terms)
  for name, expected in metrics.items():
    # Cosines of embeddings that went through batch norm over 6 to 8 clips.
    np.testing.assert_allclose(terms[name], expected, atol=2e-5, err_msg=name)


def test_gradients(result):
  arrays, _, gradients, _ = result
  golden_parameters.check_gradients(arrays, gradients)


def test_averages_of_the_shared_projector(result):
  arrays, _, _, averages = result
  averages.check(arrays, "new_state:")


def _method(arrays):
  """Returns the product's method with the file's views, nothing augmented."""
  still = pictures.RgbAugmentation(
    flip_probability=0.0,
    colour_probability=0.0,
    greyscale_probability=0.0,
    blur_probability=0.0,
  )

  def rgb(key):
    _, frames, size, _, _ = arrays[key].shape
    return views.RgbViewSpec(
      num_frames=frames, image_size=size, augmentation=still
    )

  broad = {}
  if "broad_video" in arrays:
    broad["video"] = brave.Broad(
      rgb("broad_video"), tsm_resnet.TSMResNetConfig()
    )
  broad["audio"] = brave.Broad(
    views.AudioViewSpec(), resnet_audio.AudioResNetConfig()
  )
  return brave.BraveConfig(
    narrow=rgb("narrow_video"),
    broad=broad,
    loss_scale=brave.LossScale.RELEASED,
  ).build()


def _batch(arrays, size=None):
  """Returns the first clips of the file as the views of the method."""
  index = tf.zeros([len(arrays["narrow_video"][:size])], tf.int64)
  return {
    name: views.View(
      sample_index=index,
      epoch=index,
      **{"audio" if name.endswith("audio") else "video": arrays[key][:size]},
    )
    for name, key in (("narrow", "narrow_video"), *((k, k) for k in _BROAD))
    if key in arrays
  }


def test_the_method_gives_the_same_losses(result):
  arrays = result[0]
  method = _method(arrays)
  method.loss(_batch(arrays, 1), 0, training=False)  # makes the weights
  variables = {
    **method.narrow_backbone.haiku_variables(
      "narrow_video_embedding/TSMResNetV2"
    ),
    **method.broad_backbones["audio"].haiku_variables(
      "broad_audio_embedding/res_net_v2"
    ),
    **method.projector.haiku_variables(f"{_HEADS}/projector"),
    **method.predictor.haiku_variables(f"{_HEADS}/predictor"),
  }
  if "video" in method.broad_backbones:
    variables |= method.broad_backbones["video"].haiku_variables(
      "broad_video_embedding/TSMResNetV2"
    )
  golden_parameters.fill(variables, arrays["base_seed"])
  loss, metrics, _ = method.loss(_batch(arrays), 0)
  # As above. The metrics of the method are in the paper's scale, twice these.
  np.testing.assert_allclose(loss, arrays["metric:loss"], atol=2e-5)
  for key, number in _BROAD.items():
    if key in arrays:
      name = key.removeprefix("broad_")
      np.testing.assert_allclose(
        metrics[f"loss/narrow_to_{name}"] / 2,
        arrays[f"metric:loss_n_to_b_{number}"],
        atol=2e-5,
      )
      np.testing.assert_allclose(
        metrics[f"loss/{name}_to_narrow"] / 2,
        arrays[f"metric:loss_b_to_n_{number}"],
        atol=2e-5,
      )
