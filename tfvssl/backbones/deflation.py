"""Network deflation: the form of a video network that takes one image."""

import dataclasses

import tensorflow as tf

from tfvssl.backbones import s3d
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment


def deflate(
  network: tf.keras.Model, backbone: experiment.BackboneConfig, name: str
) -> tf.keras.Model:
  """Returns the network for [B, 1, H, W, 3], with weights of its own.

  This is naive deflation: kernels are summed over time, and TSM shifts no
  channels. It is not the video network on a still clip, whose first and last
  frames meet the zeros of the padding; that is what training the scales and
  offsets of its batch norms is for.

  Args:
    network: video network of RGB that has weights.
    backbone: what built it.
    name: of the deflated network.

  Raises:
    TypeError: `backbone` has no deflated form.
    ValueError: `network` has no weights yet, or `backbone` did not build it.
  Source: paper Sec. 3.2 and appendix A.2; of the space-to-depth stem the paper
    does not speak: both frames of a pair are the image.
  """
  deflated = deflated_config(backbone).build(name)
  kernels = network.haiku_variables(name)
  deflated(tf.zeros([1, 1, 2, 2, 3]))  # makes the weights
  for key, variable in deflated.haiku_variables(name).items():
    summed = _sum_over_time(kernels.get(key), variable.shape)
    if summed is None:
      raise ValueError(
        f"`network` ({network.name}) has no '{key}' that deflates to"
        f" {variable.shape}; `backbone` must be the config that built it."
      )
    variable.assign(summed)
  return deflated


def deflated_config(
  backbone: experiment.BackboneConfig,
) -> experiment.BackboneConfig:
  """Returns the config of the deflated network.

  Raises:
    TypeError: `backbone` has no deflated form.
  """
  if isinstance(backbone, s3d.S3DConfig):
    return dataclasses.replace(backbone, deflated=True)
  if isinstance(backbone, tsm_resnet.TSMResNetConfig):
    return dataclasses.replace(backbone, shift_fraction=0.0)
  raise TypeError(
    f"`backbone` ({type(backbone).__name__}) has no deflated form; S3DConfig"
    " and TSMResNetConfig have one, others can only repeat an image."
  )


def _sum_over_time(variable, shape):
  """Returns `variable` summed to `shape`, or None where it cannot be.

  Of a 3D kernel [T, H, W, C, D] the taps are summed. Where it sees two frames
  as channels, in the order of `s3d.space_to_depth`, so are these.
  """
  if variable is None:
    return None
  if variable.shape.rank == 5:
    if variable.shape[3] == 2 * shape[3]:
      variable = tf.concat(tf.split(variable, 2, axis=3), axis=0)
    variable = tf.reduce_sum(variable, axis=0, keepdims=True)
  return variable if variable.shape == shape else None
