"""BraVe: Broaden Your Views for Self-Supervised Video Learning.

Figure 2 of the paper: a narrow view x_n goes through f_n, every broad view
x_b^k through f_b^k; one projector g and one predictor h are shared by all;
h(z_n) regresses z_b and h(z_b) regresses z_n, gradients stopped at the target.
"""

import dataclasses
import enum
from typing import NamedTuple

import tensorflow as tf

from tfvssl import views
from tfvssl.augment import flow
from tfvssl.augment import rgb
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment
from tfvssl.data import clip_views
from tfvssl.methods import base
from tfvssl.methods.parts import heads
from tfvssl.methods.parts import losses
from tfvssl.runtime import replicas


class LossScale(enum.Enum):
  """PAPER: sum over the pairs of Eq. 5. RELEASED: mean of 0.5 of each term."""

  PAPER = "paper"
  RELEASED = "released"


@dataclasses.dataclass
class Broad:
  """One modality of broad views.

  Attributes:
    view: what it shows; the paper's RGB view is 64 frames of 112 px at 6.25
      frames per second.
    backbone: f_b; a TSM-50 for video, a ResNet-50 for sound (paper Sec. 4.1).
    num_views: K views of this modality share the backbone (paper Sec. 3.1).
  """

  view: views.ViewSpec
  backbone: experiment.BackboneConfig
  num_views: int = 1


@dataclasses.dataclass
class Sharing:
  """Which parts narrow and broad views have in common; paper Table 5.

  Attributes:
    backbone: f_b is f_n; only where the broad views are RGB and the backbones
      are configured alike.
    projector: one g for all views, else one for each modality.
    predictor: one h for all views, else one for each modality.
  """

  backbone: bool = False
  projector: bool = True
  predictor: bool = True


@dataclasses.dataclass
class BraveConfig(experiment.MethodConfig):
  """The paper's defaults; `broad` names the modalities of a run.

  Attributes:
    narrow: 16 frames (32 with sound) at 12.5 frames per second, 224 px.
    narrow_backbone: f_n. Its width is independent of the broad ones.
    broad: name to modality; names become `broad_<name>`.
    hidden_dim: of projector and predictor, paper appendix A.1.
    embedding_dim: of z, released config.
    loss_scale: paper or released.
    sharing: the paper shares both heads and no backbone.
  """

  broad: dict[str, Broad]
  narrow: views.RgbViewSpec = dataclasses.field(
    default_factory=views.RgbViewSpec
  )
  narrow_backbone: experiment.BackboneConfig = dataclasses.field(
    default_factory=tsm_resnet.TSMResNetConfig
  )
  hidden_dim: int = 4096
  embedding_dim: int = 128
  loss_scale: LossScale = LossScale.PAPER
  sharing: Sharing = dataclasses.field(default_factory=Sharing)

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if not self.broad:
      raise ValueError(
        "`method.broad` is empty; BraVe needs one broad view at least, such"
        " as audio."
      )
    for name, broad in self.broad.items():
      if broad.num_views < 1:
        raise ValueError(
          f"`method.broad.{name}.num_views` ({broad.num_views}) must be at"
          " least 1."
        )
      if name == "video":
        raise ValueError(
          "`method.broad.video` would hide the narrow encoder, which is"
          " called video; try rgb."
        )
      broad.view.validate(f"method.broad.{name}.view")
      broad.backbone.validate()
      if self.sharing.backbone:
        self._check_shareable(name, broad)
    self.narrow.validate("method.narrow")
    self.narrow_backbone.validate()
    if self.hidden_dim < 1 or self.embedding_dim < 1:
      raise ValueError(
        f"`method.hidden_dim` ({self.hidden_dim}) and `method.embedding_dim`"
        f" ({self.embedding_dim}) must be above 0."
      )

  def _check_shareable(self, name, broad):
    if not isinstance(broad.view, views.RgbViewSpec):
      raise ValueError(
        f"`method.sharing.backbone` needs RGB in every broad view; `{name}`"
        f" is {type(broad.view).__name__}."
      )
    if broad.backbone != self.narrow_backbone:
      raise ValueError(
        "`method.sharing.backbone` needs one kind of network;"
        f" `method.broad.{name}.backbone` ({broad.backbone}) differs from"
        f" `method.narrow_backbone` ({self.narrow_backbone})."
      )

  def build(self) -> "Brave":
    """Returns the method with fresh weights, which its first call creates."""
    return Brave(self)


class Embeddings(NamedTuple):
  """What Figure 2 makes of a batch; what is broad, by modality, K of each.

  Attributes:
    features: f_n(x_n), float [B, D]; all others are float [B, E].
    z_narrow: g(f_n(x_n)).
    prediction_narrow: h(z_n).
    z_broad: g(f_b(x_b^k)).
    predictions_broad: h(z_b^k).
  """

  features: tf.Tensor
  z_narrow: tf.Tensor
  prediction_narrow: tf.Tensor
  z_broad: dict[str, list[tf.Tensor]]
  predictions_broad: dict[str, list[tf.Tensor]]

  def target(self, name: str) -> tf.Tensor:
    """Returns what h(z_n) regresses: the mean of the K z_b, float [B, E]."""
    return tf.add_n(self.z_broad[name]) / len(self.z_broad[name])


class Brave(base.Method):
  """Narrow and broad backbones that regress each other's embedding."""

  def __init__(self, brave: BraveConfig):
    """Builds the networks that `brave` describes."""
    super().__init__(name="brave")
    self.config = brave
    self.narrow_backbone = brave.narrow_backbone.build("narrow_backbone")
    self.broad_backbones = {
      name: self.narrow_backbone
      if brave.sharing.backbone
      else broad.backbone.build(f"broad_{name}_backbone")
      for name, broad in brave.broad.items()
    }
    self.broad_adapters = {
      name: heads.Adapter(
        self.narrow_backbone.output_dim, name=f"broad_{name}_adapter"
      )
      for name, backbone in self.broad_backbones.items()
      if backbone.output_dim != self.narrow_backbone.output_dim
    }
    sizes = brave.hidden_dim, brave.embedding_dim
    self.projector = heads.Projector(*sizes, name="projector")
    self.predictor = heads.Predictor(*sizes, name="predictor")
    self.broad_projectors = {
      name: self.projector
      if brave.sharing.projector
      else heads.Projector(*sizes, name=f"broad_{name}_projector")
      for name in brave.broad
    }
    self.broad_predictors = {
      name: self.predictor
      if brave.sharing.predictor
      else heads.Predictor(*sizes, name=f"broad_{name}_predictor")
      for name in brave.broad
    }

  @property
  def view_specs(self) -> dict[str, views.ViewSpec]:
    """Returns `narrow` and every `broad_<name>` (`_<k>` where K > 1)."""
    specs: dict[str, views.ViewSpec] = {"narrow": self.config.narrow}
    for name, broad in self.config.broad.items():
      specs.update({view: broad.view for view in self._broad_names(name)})
    return specs

  def _broad_names(self, name):
    count = self.config.broad[name].num_views
    if count == 1:
      return [f"broad_{name}"]
    return [f"broad_{name}_{k}" for k in range(1, count + 1)]

  def sample_views(self, clip: views.Clip, seed: int) -> base.Views:
    """Chooses the windows of paper Sec. 4.1 and decodes only their frames."""
    start = clip_views.narrow_start(clip, self.config.narrow, seed=seed)
    sampled = {}
    for name, spec in self.view_specs.items():
      view_start = start
      if name != "narrow":
        view_start = clip_views.broad_start(
          clip, spec, self.config.narrow, start, seed=seed, name=name
        )
      sampled[name] = clip_views.view(
        clip, spec, view_start, seed=seed, name=name
      )
    return sampled

  def augment(self, batch: base.Views, seed: int) -> base.Views:
    """Returns each visual view augmented by its own draws (paper Sec. 4.1)."""
    return {
      name: _augment_view(batch[name], spec, seed, name)
      for name, spec in self.view_specs.items()
    }

  def embeddings(
    self, batch: base.Views, seed: int, training: bool = True
  ) -> Embeddings:
    """Returns what Figure 2 makes of the batch; arguments as of `loss`."""
    seen = self.augment(batch, seed)
    features = self.narrow_backbone(_inputs(seen["narrow"]), training=training)
    z_narrow = self.projector(features, training=training)
    prediction_narrow = self.predictor(z_narrow, training=training)
    z_broad, predictions_broad = {}, {}
    for name in self.config.broad:
      pairs = [
        self._embed_broad(name, seen[view], training)
        for view in self._broad_names(name)
      ]
      z_broad[name], predictions_broad[name] = map(list, zip(*pairs))
    return Embeddings(
      features, z_narrow, prediction_narrow, z_broad, predictions_broad
    )

  def _embed_broad(self, name, view, training):
    features = self.broad_backbones[name](_inputs(view), training=training)
    if name in self.broad_adapters:
      features = self.broad_adapters[name](features)
    z = self.broad_projectors[name](features, training=training)
    return z, self.broad_predictors[name](z, training=training)

  def loss(
    self, batch: base.Views, seed: int, training: bool = True
  ) -> base.Output:
    """Returns the loss of Eq. 5 over this replica's batch, and its parts."""
    found = self.embeddings(batch, seed, training)
    all_narrow = _all_embeddings(found.z_narrow)
    terms, mean_terms, metrics = [], [], {}
    for name in self.config.broad:
      narrow_to_broad, broad_to_narrow = losses.brave_loss(
        found.prediction_narrow,
        found.z_narrow,
        found.predictions_broad[name],
        found.z_broad[name],
      )
      terms += [
        tf.reduce_mean(narrow_to_broad),
        tf.reduce_mean(broad_to_narrow),
      ]
      metrics[f"loss/narrow_to_{name}"] = terms[-2]
      metrics[f"loss/{name}_to_narrow"] = terms[-1]
      target = _all_embeddings(found.target(name))
      mean_terms += [
        losses.mean_embedding_loss(target),
        losses.mean_embedding_loss(all_narrow),
      ]
      metrics[f"embedding_std/{name}"] = losses.embedding_std(target)
    scale = 1.0
    if self.config.loss_scale == LossScale.RELEASED:
      scale = 0.5 / len(terms)
    metrics["loss/mean_embedding"] = scale * tf.add_n(mean_terms)
    metrics["embedding_std/narrow"] = losses.embedding_std(all_narrow)
    metrics["effective_rank/narrow"] = losses.effective_rank(all_narrow)
    return base.Output(
      scale * tf.add_n(terms), metrics, tf.stop_gradient(found.features)
    )

  def encoders(self) -> dict[str, base.Encoder]:
    """Returns f_n as `video` and each f_b by the name of its modality.

    A broad network that was trained on randomly convolved RGB is left out: it
    has not seen the pictures that it would be given (paper appendix E).
    """
    result = {
      "video": base.Encoder(
        self.config.narrow,
        self.narrow_backbone,
        [self.projector],
        backbone_config=self.config.narrow_backbone,
      )
    }
    for name, broad in self.config.broad.items():
      if _is_randomly_convolved(broad.view):
        continue
      heads_of = [self.broad_projectors[name]]
      if name in self.broad_adapters:
        heads_of.insert(0, self.broad_adapters[name])
      result[name] = base.Encoder(
        broad.view,
        self.broad_backbones[name],
        heads_of,
        backbone_config=broad.backbone,
      )
    return result


def _all_embeddings(z):
  """Returns z of the global batch, only to be looked at."""
  return replicas.cross_replica_concat(tf.stop_gradient(z))


def _augment_view(view, spec, seed, name):
  draws = {
    "seed": seed,
    "epoch": view.epoch,
    "sample_index": view.sample_index,
    "view": name,
  }
  if isinstance(spec, views.RgbViewSpec):
    return view._replace(
      video=rgb.augment(view.video, spec.augmentation, **draws)
    )
  if isinstance(spec, views.FlowViewSpec):
    return view._replace(
      flow=flow.augment(view.flow, spec, bound_px=spec.bound_px, **draws)
    )
  return view


def _is_randomly_convolved(spec):
  return (
    isinstance(spec, views.RgbViewSpec) and spec.augmentation.random_convolution
  )


def _inputs(view):
  """Returns the one modality that the view holds."""
  for tensor in (view.video, view.flow, view.audio):
    if tensor is not None:
      return tensor
  raise ValueError("a view holds neither video nor flow nor audio.")
