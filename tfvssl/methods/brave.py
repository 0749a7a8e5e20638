"""BraVe: Broaden Your Views for Self-Supervised Video Learning.

Figure 2 of the paper, of one modality of broad views:

  x_n -> f_n -> g -> z_n -> h -> h(z_n) regresses z_b
  x_b -> f_b -> g -> z_b -> h -> h(z_b) regresses z_n

Gradients stop at what is regressed. By default both arms have one g and one h,
and each its own f; Table 5 of the paper shares more or less.
"""

import dataclasses
import enum
from typing import NamedTuple

import tensorflow as tf

from tfvssl import views
from tfvssl.augment import view as view_augmentation
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment
from tfvssl.data import clip_views
from tfvssl.data import starts
from tfvssl.methods import base
from tfvssl.methods.parts import heads
from tfvssl.methods.parts import losses


@dataclasses.dataclass(frozen=True)
class Arm:
  """One arm of Figure 2; two arms may hold the same f, g or h.

  Attributes:
    f: the backbone.
    adapter: gives f_b the dimension of f_n; None where it has it.
    g: the projector.
    h: the predictor.
  """

  f: tf.keras.Model
  adapter: heads.Adapter | None
  g: heads.Projector
  h: heads.Predictor

  def __call__(self, view: views.View, training: bool) -> "Embedded":
    """Returns f(x), z = g(f(x)) and h(z) of an augmented view x."""
    inputs = view_augmentation.network_input(view)
    features = self.f(inputs, training=training)
    adapted = features if self.adapter is None else self.adapter(features)
    z = self.g(adapted, training=training)
    return Embedded(features, z, self.h(z, training=training))


class Brave(base.Method):
  """Narrow and broad arms that regress each other's embedding."""

  def __init__(self, brave: "BraveConfig"):
    """Builds the networks that `brave` describes."""
    super().__init__(name="brave")
    self.config = brave
    self._build_networks()
    self.narrow = Arm(
      self.narrow_backbone, None, self.projector, self.predictor
    )
    self.broad = {
      name: Arm(
        self.broad_backbones[name],
        self.broad_adapters.get(name),
        self.broad_projectors[name],
        self.broad_predictors[name],
      )
      for name in brave.broad
    }

  def embeddings(
    self, batch: base.Views, seed: int, training: bool = True
  ) -> "Embeddings":
    """Returns what Figure 2 makes of the batch; arguments as of `loss`."""
    seen = self.augment(batch, seed)
    narrow = self.narrow(seen["narrow"], training)
    broad = {
      name: [arm(seen[view], training) for view in self._broad_names(name)]
      for name, arm in self.broad.items()
    }
    return Embeddings(narrow, broad)

  def loss(
    self, batch: base.Views, seed: int, training: bool = True
  ) -> base.Output:
    """Returns the loss of Eq. 5 over this replica's batch, and its parts."""
    narrow, broad = self.embeddings(batch, seed, training)
    terms = {}
    for name, found in broad.items():
      pair = losses.brave_loss(
        narrow.prediction,
        narrow.z,
        [view.prediction for view in found],
        [view.z for view in found],
      )
      terms[f"loss/narrow_to_{name}"] = tf.reduce_mean(pair.narrow_to_broad)
      terms[f"loss/{name}_to_narrow"] = tf.reduce_mean(pair.broad_to_narrow)
    scale = 1.0
    if self.config.loss_scale == LossScale.RELEASED:
      scale = 0.5 / len(terms)
    targets = {name: target(found) for name, found in broad.items()}
    metrics = terms | losses.collapse("narrow", narrow.z, targets, scale)
    return base.Output(
      scale * tf.add_n(list(terms.values())),
      metrics,
      tf.stop_gradient(narrow.features),
    )

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
    start = starts.narrow_start(clip, self.config.narrow, seed=seed)
    sampled = {}
    for name, spec in self.view_specs.items():
      view_start = start
      if name != "narrow":
        view_start = starts.broad_start(
          clip, spec, self.config.narrow, start, seed=seed, name=name
        )
      sampled[name] = clip_views.view(
        clip, spec, view_start, seed=seed, name=name
      )
    return sampled

  def encoders(self) -> dict[str, base.Encoder]:
    """Returns f_n as `video` and each f_b by the name of its modality.

    A broad network that was trained on randomly convolved RGB is left out: it
    has not seen the pictures that it would be given (paper appendix E).
    """
    config = self.config
    found = {
      "video": _encoder(self.narrow, config.narrow, config.narrow_backbone)
    }
    for name, broad in config.broad.items():
      if not _is_randomly_convolved(broad.view):
        found[name] = _encoder(self.broad[name], broad.view, broad.backbone)
    return found

  def _build_networks(self):
    """Makes f, g and h of all arms; what Table 5 shares is one network.

    Initial weights hang on the order, checkpoints on the names: Keras tracks
    the attributes that are made here, and of arms it knows nothing.
    """
    broad, shared = self.config.broad, self.config.sharing
    sizes = self.config.hidden_dim, self.config.embedding_dim
    self.narrow_backbone = self.config.narrow_backbone.build("narrow_backbone")
    self.broad_backbones = {
      name: self.narrow_backbone
      if shared.backbone
      else one.backbone.build(f"broad_{name}_backbone")
      for name, one in broad.items()
    }
    dim = self.narrow_backbone.output_dim
    self.broad_adapters = {
      name: heads.Adapter(dim, name=f"broad_{name}_adapter")
      for name, backbone in self.broad_backbones.items()
      if backbone.output_dim != dim
    }
    self.projector = heads.Projector(*sizes, name="projector")
    self.predictor = heads.Predictor(*sizes, name="predictor")
    self.broad_projectors = {
      name: self.projector
      if shared.projector
      else heads.Projector(*sizes, name=f"broad_{name}_projector")
      for name in broad
    }
    self.broad_predictors = {
      name: self.predictor
      if shared.predictor
      else heads.Predictor(*sizes, name=f"broad_{name}_predictor")
      for name in broad
    }


class Embedded(NamedTuple):
  """What an arm makes of its view: float [B, D], and twice float [B, E]."""

  features: tf.Tensor
  z: tf.Tensor
  prediction: tf.Tensor


class Embeddings(NamedTuple):
  """What Figure 2 makes of a batch; of what is broad by modality, K of each."""

  narrow: Embedded
  broad: dict[str, list[Embedded]]


def target(broad: list[Embedded]) -> tf.Tensor:
  """Returns what h(z_n) regresses: the mean of the K z_b, float [B, E]."""
  return tf.add_n([view.z for view in broad]) / len(broad)


def _encoder(arm, spec, backbone_config):
  heads_of = [arm.g] if arm.adapter is None else [arm.adapter, arm.g]
  return base.Encoder(spec, arm.f, heads_of, backbone_config=backbone_config)


def _is_randomly_convolved(spec):
  return (
    isinstance(spec, views.RgbViewSpec) and spec.augmentation.random_convolution
  )


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

  def build(self) -> Brave:
    """Returns the method with fresh weights, which its first call creates."""
    return Brave(self)
