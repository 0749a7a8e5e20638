"""The modality embedding graphs of MMV: paper Sec. 3.1, Fig. 1 and 3."""

import enum

import tensorflow as tf

from tfvssl.methods.parts import projection_heads


class Graph(enum.Enum):
  """The modality embedding graph, paper Sec. 3.1 and Fig. 3.

  FINE_AND_COARSE: video and sound meet in S_va; from there a projection that
    they share leads to S_vat, where text is.
  SHARED: one space for all.
  DISJOINT: video has two heads, into S_va and into S_vt.
  """

  FINE_AND_COARSE = "fine_and_coarse"
  SHARED = "shared"
  DISJOINT = "disjoint"


class Head(enum.Enum):
  """Projection heads of paper Fig. 3d."""

  LINEAR = "linear"
  NON_LINEAR = "non_linear"

  def build(self, output: int, name: str) -> tf.keras.layers.Layer:
    """Returns the head; its first call makes the weights."""
    if self == Head.LINEAR:
      return projection_heads.LinearHead(output, name)
    return projection_heads.NonLinearHead(output, name)


class EmbeddingGraph(tf.keras.layers.Layer):
  """The heads of one graph: backbone outputs to embeddings by space.

  Attributes:
    spaces: modality to the space in which the video is compared with it.
  """

  def __init__(
    self,
    graph: Graph,
    *,
    video_head: Head,
    partner_heads: dict[str, Head],
    fine_dim: int,
    coarse_dim: int,
    relu_before_coarse: bool,
  ):
    """Makes the heads; their weights are made by the first call.

    Args:
      graph: which one.
      video_head: kind of the video's heads.
      partner_heads: of 'audio', 'text' or both.
      fine_dim: of S_va, and of every space of the other graphs.
      coarse_dim: of S_vat in FINE_AND_COARSE.
      relu_before_coarse: see projection_heads.FineToCoarse.
    """
    super().__init__(name="embedding_graph")
    self.spaces = _spaces(graph, partner_heads)
    is_fine_and_coarse = graph == Graph.FINE_AND_COARSE
    dims = dict.fromkeys(self.spaces.values(), fine_dim)
    if is_fine_and_coarse:
      dims["vat"] = coarse_dim
    self.partner_heads = {
      name: head.build(dims[self.spaces[name]], f"{name}_head")
      for name, head in partner_heads.items()
    }
    projected = (
      ["va"] if is_fine_and_coarse else sorted({*self.spaces.values()})
    )
    self.video_heads = {
      space: video_head.build(dims[space], f"video_{space}_head")
      for space in projected
    }
    self.fine_to_coarse = (
      projection_heads.FineToCoarse(
        coarse_dim, "fine_to_coarse", relu=relu_before_coarse
      )
      if is_fine_and_coarse
      else None
    )

  def spaces_of(self, modality: str) -> tuple[str, ...]:
    """Returns the spaces of a modality's embeddings, the finest first.

    Args:
      modality: 'video', or one of the partners.
    """
    found = (
      list(self.video_heads) if modality == "video" else [self.spaces[modality]]
    )
    if self.fine_to_coarse is not None and "va" in found:
      found.append("vat")
    return tuple(found)

  def video(
    self, features: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns z_v by space, float32 [B, E], for f_v(x_v) [B, D]."""
    found = {
      space: head(features, training=training)
      for space, head in self.video_heads.items()
    }
    if self.fine_to_coarse is not None:
      found["vat"] = self.fine_to_coarse(found["va"], training=training)
    return found

  def audio(
    self, features: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns z_a by space, float32 [B, E], for f_a(x_a) [B, D].

    In training not in the coarse space: no loss asks for it, and the batch
    norm on the way belongs to the video.
    """
    z = self.partner_heads["audio"](features, training=training)
    found = {self.spaces["audio"]: z}
    if self.fine_to_coarse is not None and not training:
      found["vat"] = self.fine_to_coarse(z, training=False)
    return found

  def text(
    self, features: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns z_t by space, float32 [B, E], for f_t(x_t) [B, D]."""
    z = self.partner_heads["text"](features, training=training)
    return {self.spaces["text"]: z}

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by their published names.

    Args:
      root: such as "text_audio_video/~_get_pair_embedding_heads".
    """
    published = {"audio": "audio_embd", "text": "txt_embd"}
    layers = {published[n]: head for n, head in self.partner_heads.items()}
    for space, head in self.video_heads.items():
      layers["vid2audio_embd" if space == "va" else "vis_embd"] = head
    if self.fine_to_coarse is not None:
      layers["vis_embd"] = self.fine_to_coarse
    found = {}
    for name, layer in layers.items():
      found |= layer.haiku_variables(f"{root}/{name}")
    return found


def _spaces(graph, modalities):
  """Returns modality to the space in which the video is compared with it."""
  if graph == Graph.FINE_AND_COARSE:
    return {"audio": "va", "text": "vat"}
  if graph == Graph.DISJOINT:
    return {"audio": "va", "text": "vt"}
  initials = "".join(sorted(name[0] for name in modalities))
  return dict.fromkeys(modalities, f"v{initials}")
