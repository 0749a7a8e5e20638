"""What every method is: views of a clip, a loss over them, and encoders."""

from typing import NamedTuple

import tensorflow as tf

from tfvssl import views

Views = dict[str, views.View]


class Output(NamedTuple):
  """What a method's loss returns, of this replica's batch.

  Attributes:
    loss: float32 scalar, the mean over the batch.
    metrics: float32 scalars to log.
    features: float32 [B, D] of the backbone that is evaluated, for the online
      probe; no gradient is taken through them.
  """

  loss: tf.Tensor
  metrics: dict[str, tf.Tensor]
  features: tf.Tensor


class Encoder(tf.keras.Model):
  """A trained backbone with its projector, for evaluation and export.

  Attributes:
    spec: the view that it was trained on.
    backbone: maps one input to [B, D].
  """

  def __init__(
    self,
    spec: views.ViewSpec,
    backbone: tf.keras.Model,
    heads: list[tf.keras.layers.Layer],
  ):
    """Combines `backbone` with `heads`, which are applied in order."""
    super().__init__()
    self.spec = spec
    self.backbone = backbone
    self.heads = heads

  def call(
    self, inputs: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns `backbone` [B, D] and `embedding` [B, E], float32.

    Args:
      inputs: what the backbone takes: video float32 [B, T, H, W, 3] in [0, 1],
        flow float32 [B, T, H, W, 2] or log-mel float32 [B, S, M].
      training: whether batch norm uses and updates batch statistics.
    """
    features = self.backbone(inputs, training=training)
    embedding = features
    for head in self.heads:
      embedding = head(embedding, training=training)
    return {"backbone": features, "embedding": embedding}


class Method(tf.keras.Model):
  """Base of the methods; a subclass is one figure of one paper.

  The pipeline calls `sample_views` in tf.data, the trainer `loss` inside the
  compiled step; neither knows which method it serves.
  """

  @property
  def view_specs(self) -> dict[str, views.ViewSpec]:
    """Returns the specification of every view by its name."""
    raise TypeError(f"{type(self).__name__} defines no `view_specs`.")

  def sample_views(self, clip: views.Clip, seed: int) -> Views:
    """Returns unbatched views: windows chosen, only those frames decoded."""
    raise TypeError(f"{type(self).__name__} defines no `sample_views`.")

  def augment(self, batch: Views, seed: int) -> Views:
    """Returns the views as the networks see them; runs on the device."""
    raise TypeError(f"{type(self).__name__} defines no `augment`.")

  def loss(self, batch: Views, seed: int, training: bool = True) -> Output:
    """Returns the loss over this replica's batch, and what comes with it.

    Args:
      batch: views as they leave the pipeline.
      seed: of the run; draws depend on it and on each view's epoch and index.
      training: whether batch norm uses and updates batch statistics.
    """
    raise TypeError(f"{type(self).__name__} defines no `loss`.")

  def encoders(self) -> dict[str, Encoder]:
    """Returns the trained encoders by modality: 'video', 'audio', 'flow'."""
    raise TypeError(f"{type(self).__name__} defines no `encoders`.")


def view_signature(method: Method, batch_size: int | None) -> Views:
  """Returns tf.TensorSpec in the shape of a batch as the pipeline yields it."""
  return {
    name: _spec_signature(spec, batch_size)
    for name, spec in method.view_specs.items()
  }


def _spec_signature(spec, batch_size):
  per_clip = {
    "labels": tf.int64,
    "sample_index": tf.int64,
    "epoch": tf.int64,
    "start_s": tf.float32,
  }
  view = views.View(
    **{
      name: tf.TensorSpec([batch_size], dtype)
      for name, dtype in per_clip.items()
    }
  )
  shape = [batch_size, *spec.shape]
  view = view._replace(**{spec.piece: tf.TensorSpec(shape, spec.dtype)})
  if spec.has_mask:
    view = view._replace(mask=tf.TensorSpec([batch_size], tf.float32))
  return view
