"""MMV: Self-Supervised MultiModal Versatile Networks.

Figures 1 to 3 of the paper: f_v, f_a and f_t see a clip's pictures, sound and
captions; the modality embedding graph maps them into the spaces S_va and
S_vat, where a video must find its own sound and its own captions among those
of all other clips of the batch.
"""

import dataclasses
from typing import cast

import tensorflow as tf

from tfvssl import views
from tfvssl.backbones import s3d
from tfvssl.config import experiment
from tfvssl.config import pictures
from tfvssl.data import clip_views
from tfvssl.data import starts
from tfvssl.data import text
from tfvssl.methods import base
from tfvssl.methods.parts import contrastive
from tfvssl.methods.parts import embedding_graph
from tfvssl.methods.parts import losses


class Mmv(base.Method):
  """f_v, f_a and f_t that find each other's clips."""

  def __init__(self, mmv: "MmvConfig"):
    """Builds the networks that `mmv` describes."""
    super().__init__(name="mmv")
    self.config = mmv
    self.video_backbone = mmv.video_backbone.build("video_backbone")
    self.partner_backbones = {
      name: partner.backbone.build(f"{name}_backbone")
      for name, partner in mmv.partners.items()
    }
    self.graph = embedding_graph.EmbeddingGraph(
      mmv.graph,
      video_head=mmv.video_head,
      partner_heads={name: p.head for name, p in mmv.partners.items()},
      fine_dim=mmv.fine_dim,
      coarse_dim=mmv.coarse_dim,
      relu_before_coarse=mmv.relu_before_coarse,
    )
    self._words = _Words(mmv.partners.get("text"))

  def embeddings(
    self, batch: base.Views, seed: int, training: bool = True
  ) -> dict[str, dict[str, tf.Tensor]]:
    """Returns what the graph makes of the batch; arguments as of `loss`.

    Returns:
      modality to space to z, float32 [B, E], of text [B, K, E]; `video` also
      has `backbone`, float [B, D].
    """
    seen = self.augment(batch, seed)
    features = self.video_backbone(seen["video"].video, training=training)
    found = {"video": self.graph.video(features, training)}
    if "audio" in seen:
      heard = self.partner_backbones["audio"](
        seen["audio"].audio, training=training
      )
      found["audio"] = self.graph.audio(heard, training)
    if "text" in seen:
      found["text"] = self._embed_text(seen["text"].text, training)
    found["video"]["backbone"] = features
    return found

  def _embed_text(self, ids, training):
    """Returns z_t by space, [B, K, E], of word ids [B, K, L]."""
    _, captions, words = ids.shape
    features = self.partner_backbones["text"](
      tf.reshape(ids, [-1, words]), training=training
    )
    return {
      space: tf.reshape(z, [-1, captions, z.shape[-1]])
      for space, z in self.graph.text(features, training).items()
    }

  def loss(
    self, batch: base.Views, seed: int, training: bool = True
  ) -> base.Output:
    """Returns the loss of Eq. 1 over this replica's batch, and its parts."""
    found = self.embeddings(batch, seed, training)
    total, metrics = 0.0, {}
    for name, partner in self.config.partners.items():
      space = self.graph.spaces[name]
      z_video, z_partner = found["video"][space], found[name][space]
      if z_partner.shape.rank == 2:
        z_partner = z_partner[:, tf.newaxis]
      present = batch[name].mask
      value = contrastive.loss(
        losses.unit(z_video),
        losses.unit(z_partner),
        present,
        temperature=self.config.temperature,
        form=partner.loss,
      )
      total += partner.weight * value
      metrics[f"loss/video_{name}"] = value
      metrics[f"present/{name}"] = tf.reduce_mean(present)
      metrics[f"embedding_std/video_{space}"] = losses.embedding_std(
        losses.whole_batch(z_video)
      )
    features = tf.stop_gradient(found["video"]["backbone"])
    return base.Output(total, metrics, features)

  @property
  def view_specs(self) -> dict[str, views.ViewSpec]:
    """Returns `video` and what it is compared with."""
    partners = {name: p.view for name, p in self.config.partners.items()}
    return {"video": self.config.video, **partners}

  def sample_views(self, clip: views.Clip, seed: int) -> base.Views:
    """Takes pictures, and the sound and captions of the same moment."""
    start = starts.narrow_start(
      clip, self.config.video, seed=seed, name="video"
    )
    return {
      name: clip_views.view(
        clip,
        spec,
        start,
        seed=seed,
        name=name,
        **self._about_text(spec),
      )
      for name, spec in self.view_specs.items()
    }

  @property
  def tokenizer(self) -> text.Tokenizer | None:
    """Makes word ids of captions; None without text."""
    return self._words.tokenizer

  def _about_text(self, spec):
    if spec.piece != "text":
      return {}
    return {"narrow": self.config.video, "tokenizer": self.tokenizer}

  def encoders(self) -> dict[str, base.Encoder]:
    """Returns the encoders of `video` and of its partners."""
    found = {
      "video": MmvEncoder(
        self.config.video,
        self.video_backbone,
        self.graph,
        "video",
        self.config.video_backbone,
      )
    }
    for name, partner in self.config.partners.items():
      found[name] = MmvEncoder(
        partner.view.heard,
        self.partner_backbones[name],
        self.graph,
        name,
        partner.backbone,
      )
    return found


class MmvEncoder(base.Encoder):
  """A backbone of MMV with its part of the embedding graph.

  Attributes:
    graph: the heads of all modalities.
    modality: whose backbone it is: 'video', 'audio' or 'text'.
  """

  def __init__(
    self,
    spec: views.ViewSpec,
    backbone: tf.keras.Model,
    graph: embedding_graph.EmbeddingGraph,
    modality: str,
    backbone_config: experiment.BackboneConfig | None = None,
  ):
    """Combines `backbone` with its heads of `graph`."""
    super().__init__(spec, backbone, [], backbone_config=backbone_config)
    self.graph = graph
    self.modality = modality

  @property
  def spaces(self) -> tuple[str, ...]:
    """Returns those of its modality in the graph, the finest first."""
    return self.graph.spaces_of(self.modality)

  def with_backbone(
    self, spec: views.ViewSpec, backbone: tf.keras.Model
  ) -> "MmvEncoder":
    """Returns the encoder with its part of the graph on another backbone."""
    return MmvEncoder(spec, backbone, self.graph, self.modality)

  def call(
    self, inputs: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns `backbone` [B, D], `embedding` [B, E] and every space by name.

    `embedding` is that of the widest space: of S_vat where there is one, so
    the embeddings of all modalities are comparable. With DISJOINT they are
    not: that of text is in S_vt, the others in S_va.

    Args:
      inputs: what the backbone takes: video float32 [B, T, H, W, 3] in [0, 1],
        log-mel float32 [B, S, M] or word ids int32 [B, L].
      training: whether batch norm uses and updates batch statistics.
    """
    features = self.backbone(inputs, training=training)
    spaces = getattr(self.graph, self.modality)(features, training=training)
    widest = max(spaces, key=len)
    return {"backbone": features, "embedding": spaces[widest], **spaces}


class _Words:
  """Holds what Keras must not put into checkpoints, as it would a dict.

  Attributes:
    tokenizer: of the text partner, or None.
  """

  def __init__(self, partner):
    """Reads the vocabulary.

    Raises:
      ValueError: it has more ids than the table of the text backbone.
    """
    self.tokenizer = None
    if partner is None:
      return
    self.tokenizer = text.Tokenizer(partner.view)
    size, rows = (
      self.tokenizer.vocabulary_size,
      partner.backbone.vocabulary_size,
    )
    if size > rows:
      raise ValueError(
        f"`method.partners.text.view.vocabulary` ({partner.view.vocabulary})"
        f" has {size} words, `method.partners.text.backbone.vocabulary_size`"
        f" is {rows}; set it to {size}, or make a smaller vocabulary."
      )


@dataclasses.dataclass
class Partner:
  """What the video is compared with: sound or text.

  Attributes:
    view: a WaveformViewSpec or a TextViewSpec.
    backbone: f_a or f_t.
    weight: lambda of paper Eq. 1. On HowTo100M alone text has 10 and sound 1,
      with AudioSet both have 1 (paper Sec. 4.1).
    head: of this modality; linear in the paper's final setup (Sec. 4.3).
    loss: between the video and this modality.
  """

  view: views.ViewSpec
  backbone: experiment.BackboneConfig
  weight: float = 1.0
  head: embedding_graph.Head = embedding_graph.Head.LINEAR
  loss: contrastive.Form = contrastive.Form.PAPER


def video_view() -> views.RgbViewSpec:
  """Returns 32 frames at 10 a second, 200 px; paper Sec. 4.1 and A.1.

  The released lineage applies scale jitter and colour to 80 % of the clips;
  the paper names no share.
  """
  return views.RgbViewSpec(
    num_frames=32,
    frame_step=2.5,
    image_size=200,
    crop=pictures.JitterCrop(scale=(0.8, 1.2), share=200 / 224),
    augmentation=pictures.RgbAugmentation(
      colour_probability=1.0, greyscale_probability=0.0, blur_probability=0.0
    ),
  )


@dataclasses.dataclass
class MmvConfig(experiment.MethodConfig):
  """The paper's final setup; `partners` names the modalities of a run.

  Attributes:
    partners: `audio`, `text` or both.
    video: what f_v sees.
    video_backbone: f_v.
    video_head: non-linear in the paper's final setup (Sec. 4.3), linear in
      most of its ablations.
    graph: with one partner there is only one space: SHARED.
    fine_dim: of S_va, and of every space of the other graphs (Sec. 4.1).
    coarse_dim: of S_vat in FINE_AND_COARSE.
    relu_before_coarse: as in the released networks; the paper has none.
    temperature: tau, paper Sec. 4.1.
  """

  partners: dict[str, Partner]
  video: views.RgbViewSpec = dataclasses.field(default_factory=video_view)
  video_backbone: experiment.BackboneConfig = dataclasses.field(
    default_factory=s3d.S3DConfig
  )
  video_head: embedding_graph.Head = embedding_graph.Head.NON_LINEAR
  graph: embedding_graph.Graph = embedding_graph.Graph.FINE_AND_COARSE
  fine_dim: int = 512
  coarse_dim: int = 256
  relu_before_coarse: bool = False
  temperature: float = 0.07

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    kinds = {"audio": views.WaveformViewSpec, "text": views.TextViewSpec}
    if not self.partners or not set(self.partners) <= set(kinds):
      raise ValueError(
        f"`method.partners` ({', '.join(self.partners) or 'empty'}) must be"
        " audio, text or both."
      )
    if len(self.partners) < 2 and self.graph != embedding_graph.Graph.SHARED:
      raise ValueError(
        f"`method.graph` ({self.graph.value}) needs audio and text; with"
        f" {next(iter(self.partners))} alone use shared."
      )
    for name, partner in self.partners.items():
      self._check_partner(f"method.partners.{name}", partner, kinds[name])
    self.video.validate("method.video")
    self.video_backbone.validate()
    for field in ("fine_dim", "coarse_dim", "temperature"):
      if getattr(self, field) <= 0:
        raise ValueError(
          f"`method.{field}` ({getattr(self, field)}) must be above 0."
        )

  def identify_files(self) -> None:
    """Notes the vocabulary's content, on which the meaning of ids depends.

    Raises:
      FileNotFoundError: there is no such file.
    """
    if "text" in self.partners:
      view = cast(views.TextViewSpec, self.partners["text"].view)
      view.words_sha256 = text.words_sha256(view)

  def _check_partner(self, name, partner, kind):
    if not isinstance(partner.view, kind):
      raise ValueError(
        f"`{name}.view` is {type(partner.view).__name__}; it must be"
        f" {kind.__name__}."
      )
    partner.view.validate(f"{name}.view")
    partner.backbone.validate()
    if partner.weight <= 0:
      raise ValueError(
        f"`{name}.weight` ({partner.weight}) must be above 0; leave the"
        " partner out instead."
      )
    is_text = isinstance(partner.view, views.TextViewSpec)
    if is_text and partner.loss == contrastive.Form.LOGISTIC:
      raise ValueError(
        f"`{name}.loss` (logistic) takes one candidate, text has several; use"
        " paper."
      )

  def build(self) -> Mmv:
    """Returns the method with fresh weights, which its first call creates."""
    return Mmv(self)
