"""Networks of still images, made of the video network of a run."""

import dataclasses
import enum
import json
from typing import cast

import tensorflow as tf

from tfvssl import views
from tfvssl.backbones import deflation
from tfvssl.data import one_pass
from tfvssl.data import pipeline
from tfvssl.data import regular_views
from tfvssl.data.records import reader
from tfvssl.methods import base
from tfvssl.runtime import storage
from tfvssl.train import checkpoint_store
from tfvssl.train import restoring

_FOLDER, _CHOICES = "deflated", "deflation.json"
_MADE_OF = "checkpoint_sha256"
_AGAIN = "remove the folder and start tfvssl.deflate again."


class Image(enum.Enum):
  """How a still image goes through the video network.

  NONE: not at all.
  NAIVE: through the deflated network, whose kernels are summed over time and
    whose channels are not shifted; its batch norms are not trained anew.
  TRAINED: through the deflated network with the scales and offsets of its
    batch norms trained by tfvssl.deflate.
  REPEATED: through the video network, as a film in which nothing moves.
  Source: MMV paper Sec. 3.2 and Table 3 (n-def, def and i-inf).
  """

  NONE = "none"
  NAIVE = "naive"
  TRAINED = "trained"
  REPEATED = "repeated"


class StillVideo(tf.keras.Model):
  """A video network that sees one frame over and over."""

  def __init__(self, network: tf.keras.Model, num_frames: int):
    """Wraps `network`, which is to see `num_frames` frames."""
    super().__init__(name="still_video")
    self.network = network
    self.num_frames = num_frames

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns the features of float32 [B, 1, H, W, 3], float32 [B, D]."""
    video = tf.repeat(inputs, self.num_frames, axis=1)
    return self.network(video, training=training)


def encoder(
  video: base.Encoder, image: Image, workdir: storage.Path
) -> base.Encoder:
  """Returns the encoder of images float32 [B, 1, H, W, 3].

  Args:
    video: of the run, with weights.
    image: NAIVE, TRAINED or REPEATED.
    workdir: of the run, where TRAINED looks for the network.

  Raises:
    FileNotFoundError: no deflated network was trained.
    TypeError: the video network has no deflated form.
    ValueError: the deflated network is damaged or of another checkpoint.
  """
  spec = cast(views.RgbViewSpec, video.spec)
  if image == Image.REPEATED:
    network = StillVideo(video.backbone, spec.num_frames)
  else:
    network = deflation.deflate(
      video.backbone, video.backbone_config, "image_backbone"
    )
  if image == Image.TRAINED:
    _load(network, workdir)
  spec = dataclasses.replace(spec, num_frames=1)
  return video.with_backbone(spec, network)


def folder_of(workdir: storage.Path) -> storage.Path:
  """Returns where the deflated network of a run stands."""
  return workdir / _FOLDER


def save(
  network: tf.keras.Model, workdir: storage.Path, step: int, choices: dict
) -> None:
  """Writes a trained deflated network into the run's folder, whole or not.

  Args:
    network: the backbone alone, made of the newest checkpoint.
    workdir: of the run.
    step: of that checkpoint.
    choices: how it was trained, for results and people.
  """
  made_of = {_MADE_OF: restoring.identity(workdir)}
  text = json.dumps({**made_of, **choices}, indent=1) + "\n"
  with storage.new_folder(folder_of(workdir)) as unfinished:
    store = checkpoint_store.CheckpointStore(
      unfinished, {"network": network}, kept=1
    )
    storage.write_text(unfinished / _CHOICES, text)
    store.save(step)


def choices_of(workdir: storage.Path) -> dict:
  """Returns how the deflated network of a run was trained.

  Raises:
    FileNotFoundError: there is none.
    ValueError: what is there is damaged.
  """
  path = folder_of(workdir) / _CHOICES
  if not path.is_file():
    raise FileNotFoundError(
      f"{path.parent} holds no deflated network; train one with"
      " tfvssl.deflate, or take --image=naive or --image=repeated."
    )
  try:
    choices = json.loads(path.read_text(encoding="utf-8"))
    return {_MADE_OF: choices[_MADE_OF], **choices}
  except (ValueError, TypeError, LookupError, RecursionError) as error:
    raise ValueError(f"{path} is damaged; {_AGAIN}") from error


def _load(network, workdir):
  folder = folder_of(workdir)
  made_of = choices_of(workdir)[_MADE_OF]
  if made_of != restoring.identity(workdir):
    raise ValueError(
      f"{folder} was not made of the run's newest checkpoint; {_AGAIN}"
    )
  try:
    restoring.restore_newest(folder, network=network)
  except (FileNotFoundError, ValueError) as error:
    raise ValueError(f"{error} To make it anew: {_AGAIN}") from error


@pipeline.without_autograph
def pictures(
  records: reader.Records, spec: views.RgbViewSpec, short_side: int
) -> tf.data.Dataset:
  """Returns the central square of every clip's first frame, in order.

  Args:
    records: opened for RGB; still pictures are clips of one frame.
    spec: of the view, whose `image_size` is the square's side.
    short_side: to which a frame is resized before, in pixels.

  Returns:
    float32 [image_size, image_size, 3] in [0, 1], one by one.
  """
  spec = dataclasses.replace(spec, num_frames=1)

  def sample_views(clip, seed):
    del seed  # nothing is random
    view = regular_views.evaluation_views(
      clip, spec, temporal_clips=1, spatial_crops=1, short_side=short_side
    )
    return {"image": view}

  clips = one_pass.dataset(
    records, sample_views, modalities=records.modalities, seed=0, batch_size=1
  )
  shape = [spec.image_size, spec.image_size, 3]
  return clips.map(
    lambda sampled: tf.reshape(
      tf.cast(sampled["image"].video, tf.float32) / 255.0, shape
    )
  )
