"""What every method is: views of a clip, a loss over them, and encoders."""

from typing import NamedTuple

import tensorflow as tf

from tfvssl import views
from tfvssl.augment import view as view_augmentation
from tfvssl.config import experiment

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

  A method whose backbone stands on something else than a row of heads makes a
  subclass, with a `call`, `spaces` and `with_backbone` of its own.

  Attributes:
    spec: the view that it was trained on.
    backbone: maps one input to [B, D].
    heads: what makes the embedding of it.
    backbone_config: what built the backbone; None where it was made of
      another network.
  """

  def __init__(
    self,
    spec: views.ViewSpec,
    backbone: tf.keras.Model,
    heads: list[tf.keras.layers.Layer],
    *,
    backbone_config: experiment.BackboneConfig | None = None,
    space: str | None = None,
  ):
    """Combines `backbone` with `heads`, which are applied in order.

    Args:
      spec: see the attributes.
      backbone: see the attributes.
      heads: applied in order.
      backbone_config: see the attributes.
      space: where the embedding lies, if encoders of other modalities have
        theirs in it, too; see `spaces`.
    """
    super().__init__()
    self.spec = spec
    self.backbone = backbone
    self.heads = heads
    self.backbone_config = backbone_config
    self._space = space

  @property
  def spaces(self) -> tuple[str, ...]:
    """Returns the spaces that it embeds into, the finest first.

    Encoders of one method are compared, by cosine, in a space that both name;
    `call` has the embedding in each by its name. None where embeddings of
    different modalities are not to be compared.
    """
    return () if self._space is None else (self._space,)

  def with_backbone(
    self, spec: views.ViewSpec, backbone: tf.keras.Model
  ) -> "Encoder":
    """Returns the encoder with what stands on its backbone on another one.

    Args:
      spec: what `backbone` sees.
      backbone: maps one input to [B, D], D as that of the own backbone.
    """
    return Encoder(spec, backbone, self.heads, space=self._space)

  def call(
    self, inputs: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns `backbone` [B, D], `embedding` [B, E] and its space, float32.

    Args:
      inputs: what the backbone takes: video float32 [B, T, H, W, 3] in [0, 1],
        flow float32 [B, T, H, W, 2] or log-mel float32 [B, S, M].
      training: whether batch norm uses and updates batch statistics.
    """
    features = self.backbone(inputs, training=training)
    embedding = features
    for head in self.heads:
      embedding = head(embedding, training=training)
    named = dict.fromkeys(self.spaces, embedding)
    return {"backbone": features, "embedding": embedding, **named}


class Method(tf.keras.Model):
  """Base of the methods; a subclass is one figure of one paper.

  The pipeline calls `sample_views` in tf.data, the trainer `loss` inside the
  compiled step; neither knows which method it serves.
  """

  @property
  def view_specs(self) -> dict[str, views.ViewSpec]:
    """Returns the specification of every view by its name."""
    raise TypeError(f"{type(self).__name__} defines no `view_specs`.")

  def num_targets(self, view_name: str) -> int:
    """Returns how many labels the method makes for each clip of a view.

    `sample_views` puts them into `View.targets`, int32 [N]; 0 for none.
    """
    del view_name
    return 0

  def sample_views(self, clip: views.Clip, seed: int) -> Views:
    """Returns unbatched views: windows chosen, only those frames decoded."""
    raise TypeError(f"{type(self).__name__} defines no `sample_views`.")

  def augment(self, batch: Views, seed: int) -> Views:
    """Returns the views as the networks see them; runs on the device.

    By default every view is augmented as its spec says, by its own draws.
    """
    return {
      name: view_augmentation.augment(batch[name], spec, seed, name)
      for name, spec in self.view_specs.items()
    }

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
  signature = {}
  for name, spec in method.view_specs.items():
    view = _spec_signature(spec, batch_size)
    if count := method.num_targets(name):
      targets = tf.TensorSpec([batch_size, count], tf.int32)
      view = view._replace(targets=targets)
    signature[name] = view
  return signature


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
