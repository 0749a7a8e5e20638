"""Published MMV weights in a run of ours, which every binary then takes.

Three files were published: S3D-G with the space-to-depth stem, TSM-50 and
TSM-50x2, all with the fine-and-coarse graph. Which one a file is, its tensors
say. Their names are Haiku's module paths, whose "~" stand in other places
with other versions of Haiku; so names are compared without them.
"""

import dataclasses
import re

import numpy as np

from tfvssl import views
from tfvssl.backbones import haiku_names
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import s3d
from tfvssl.backbones import tsm_resnet
from tfvssl.backbones import word_embedding
from tfvssl.config import experiment as config
from tfvssl.config import protocols
from tfvssl.import_weights import assignment
from tfvssl.import_weights import published_file
from tfvssl.methods import mmv
from tfvssl.methods.parts import embedding_graph
from tfvssl.optim import adam
from tfvssl.runtime import storage
from tfvssl.train import weights

BLOCKS = (3, 4, 6, 3)  # of the published ResNets

_ROOT = "text_audio_video"
_VIDEO = {
  s3d.S3DConfig: f"{_ROOT}/visual_module/~/S3D",
  tsm_resnet.TSMResNetConfig: f"{_ROOT}/visual_module/~/TSMResNetV2",
}
_AUDIO = f"{_ROOT}/audio_module/~/res_net_v2"
_TEXT = f"{_ROOT}/text_module"
_HEADS = f"{_ROOT}/~_get_pair_embedding_heads"

_S3D_STEM = "S3D/Conv2d_1a_7x7/conv3_d/w"
_TSM_STEM = "TSMResNetV2/tsm_resnet_stem/w"
_AUDIO_STEM = "res_net_v2/initial_conv/w"
_FINE = "vid2audio_embd/final_projection/w"
_COARSE = "vis_embd/final_projection/w"
_WORDS = "text_module/embed/embeddings"
_LINEAR = "text_module/text_conv1/w"
_STEM_CHANNELS = 64  # of width 1
_PAIR_CHANNELS = 24  # of 2 x 2 x 2 pixels

_DEAD_HEADS = re.compile(r".*/(audio2txt_embd|txt2audio_embd)/")
_BEHIND_AVERAGE = re.compile(r"/(mean|var)_ema/(hidden|counter)$")
_OF_TEXT = re.compile(rf"{_TEXT}/|.*/(txt_embd|vis_embd)/")


def import_run(
  published: published_file.PublishedFile,
  output: storage.Path,
  *,
  vocabulary: str = "",
  allow_partial: bool = False,
) -> assignment.Report:
  """Writes the folder of a run at step 0; it appears by one rename.

  Args:
    published: what was read.
    output: folder that does not exist or is empty.
    vocabulary: file of the words whose embeddings the file holds, in the form
      of views.Vocabulary.DMVR; it was not published with the weights. Without
      it the text network, and the space that it has with the video, are left
      out.
    allow_partial: leave parts random that the file lacks as a whole, and
      leave out tensors that no network has.

  Raises:
    FileNotFoundError: `vocabulary` does not exist.
    ValueError: a tensor is missing, unknown, not finite, or not of its shape;
      or the vocabulary has more words than the file.
  """
  tensors = canonical(published.tensors)
  experiment = experiment_of(tensors, published.path, vocabulary)
  method = weights.fresh_method(experiment, experiment.seed)
  report = assignment.assign(
    parts_of(method),
    tensors,
    published.path,
    required="video_backbone",
    reason_of=lambda name, taken: _reason(name, taken, bool(vocabulary)),
    allow_partial=allow_partial,
  )
  description = {
    "source": "mmv",
    "file": published.path.name,
    "sha256": published.sha256,
    **dataclasses.asdict(report),
  }
  assignment.write_run(output, experiment, method, description)
  return report


def canonical(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  """Returns the tensors by their names without "~" between slashes.

  Raises:
    ValueError: two become one.
  """
  found: dict[str, np.ndarray] = {}
  for name, array in tensors.items():
    short = _canonical(name)
    if short in found:
      raise ValueError(
        f"the file holds {short!r:.200} twice, but for '~'; download it again."
      )
    found[short] = array
  return found


def _canonical(name):
  return "/".join(part for part in name.split("/") if part != "~")


def experiment_of(
  tensors: dict[str, np.ndarray], path: storage.PathLike, vocabulary: str
) -> config.Experiment:
  """Returns the run that the tensors are part of, as released.

  Args:
    tensors: of `canonical`.
    path: of the file, for messages.
    vocabulary: see `import_run`.

  Raises:
    ValueError: a tensor that tells a size is missing or not of its kind.
  """
  audio_width = _width(tensors, path, _AUDIO_STEM, 4)
  partners = {
    "audio": mmv.Partner(
      view=views.WaveformViewSpec(),
      backbone=resnet_audio.AudioResNetConfig(blocks=BLOCKS, width=audio_width),
    )
  }
  if vocabulary:
    partners["text"] = _text(tensors, path, vocabulary)
  has_text = "text" in partners
  method = mmv.MmvConfig(
    partners=partners,
    video_backbone=_video_backbone(tensors, path),
    graph=embedding_graph.Graph.FINE_AND_COARSE
    if has_text
    else embedding_graph.Graph.SHARED,
    fine_dim=_size(tensors, path, _FINE, 2),
    coarse_dim=_size(tensors, path, _COARSE, 2) if has_text else 256,
    relu_before_coarse=True,
  )
  experiment = config.Experiment(
    method=method,
    optimizer=adam.AdamConfig(epsilon=1e-8),
    schedule=config.Schedule(peak=0.002),
    # Paper A.2: one central crop, of frames whose short side is 224.
    svm=protocols.Svm(spatial_crops=1, test_short_side=224),
    batch_size=4096,
    steps=500_000,
  )
  experiment.validate()
  return experiment


def _text(tensors, path, vocabulary):
  rows = _size(tensors, path, _WORDS, 2, axis=0)
  return mmv.Partner(
    view=views.TextViewSpec(vocabulary=vocabulary),
    backbone=word_embedding.WordEmbeddingConfig(
      vocabulary_size=rows,
      word_dim=_size(tensors, path, _WORDS, 2),
      output_dim=_size(tensors, path, _LINEAR, 3),
    ),
  )


def _video_backbone(tensors, path):
  if any("/S3D/" in name for name in tensors):
    stem = _tensor(tensors, path, _S3D_STEM, 5)
    is_pair = stem.shape[3] == _PAIR_CHANNELS
    return s3d.S3DConfig(
      stem=s3d.Stem.SPACE_TO_DEPTH if is_pair else s3d.Stem.RGB,
      width=_width(tensors, path, _S3D_STEM, 5),
    )
  width = _width(tensors, path, _TSM_STEM, 4)
  return tsm_resnet.TSMResNetConfig(blocks=BLOCKS, width=width)


def _width(tensors, path, ending, rank):
  """Returns the width of a network by the channels of its stem."""
  width = _size(tensors, path, ending, rank) / _STEM_CHANNELS
  if width > published_file.WIDEST:
    raise ValueError(
      f"tensor '{ending}' of {path} makes a network of width {width:g}; it must"
      f" be at most {published_file.WIDEST}."
    )
  return width


def _size(tensors, path, ending, rank, axis=-1):
  """Returns one size of the tensor whose name ends so, within bounds."""
  size = _tensor(tensors, path, ending, rank).shape[axis]
  largest = 10_000_000 if ending == _WORDS else published_file.LARGEST_HEAD
  if not 0 < size <= largest:
    raise ValueError(
      f"tensor '{ending}' of {path} has the size {size}; it must be from 1 to"
      f" {largest}."
    )
  return size


def _tensor(tensors, path, ending, rank):
  found = [name for name in tensors if name.endswith(f"/{ending}")]
  if len(found) != 1 or tensors[found[0]].ndim != rank:
    raise ValueError(
      f"{path} holds no tensor '.../{ending}' of rank {rank}, so it is not a"
      " file of MMV's networks; name one that was published with MMV."
    )
  return tensors[found[0]]


def parts_of(method: mmv.Mmv) -> assignment.Parts:
  """Returns the variables of every part of the run by canonical name."""
  root = _VIDEO[type(method.config.video_backbone)]
  parts = {
    "video_backbone": method.video_backbone.haiku_variables(root),
    "graph": method.graph.haiku_variables(_HEADS),
  }
  for name, backbone in method.partner_backbones.items():
    root = _AUDIO if name == "audio" else _TEXT
    parts[f"partner_backbones.{name}"] = backbone.haiku_variables(root)
  return {
    part: {
      _canonical(haiku_names.checkpoint_key(name).replace(":", "/")): variable
      for name, variable in named.items()
    }
    for part, named in parts.items()
  }


def _reason(name, taken, has_text):
  """Returns why a tensor has no variable, None if it is unknown."""
  if _DEAD_HEADS.match(name):
    return "heads that no loss used"
  average = f"{name.rpartition('/')[0]}/average"
  if _BEHIND_AVERAGE.search(name) and average in taken:
    return "parts of averages"
  if not has_text and _OF_TEXT.match(name):
    return "text, as no --vocabulary was given"
  return None
