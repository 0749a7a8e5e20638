"""Test clips with several modalities, and what a run's encoders make of them.

Pictures and sound are seen in regular windows, the same for both; of captions
all are read. Every record is parsed and decoded once, for all encoders, and
every forward pass has the same static shape.
Source: MMV paper, appendix A.2.
"""

from collections.abc import Callable, Iterable, Iterator
import dataclasses
import operator
from typing import NamedTuple, cast

import numpy as np
import tensorflow as tf
import tqdm

from tfvssl import views
from tfvssl.config import protocols
from tfvssl.data import clip_views
from tfvssl.data import last_batch
from tfvssl.data import one_pass
from tfvssl.data import regular_views
from tfvssl.data import spectrogram
from tfvssl.data import text
from tfvssl.data.records import reader
from tfvssl.evaluate.retrieval import ranks as zero_shot
from tfvssl.evaluate.samples import features
from tfvssl.evaluate.samples import random_network
from tfvssl.methods import base
from tfvssl.runtime import storage

AGGREGATION = zero_shot.Aggregation.AVERAGE_THEN_NORMALISE
_HELD = {
  "video": views.Modality.RGB,
  "audio": views.Modality.AUDIO,
  "text": views.Modality.TEXT,
}
_NAME = "test"  # of the one view of a clip

Network = Callable[[tf.Tensor], dict[str, tf.Tensor]]


class Direction(NamedTuple):
  """Which modality searches which, and in which space."""

  query: str
  gallery: str
  space: str

  @property
  def name(self) -> str:
    """Such as text_to_video."""
    return f"{self.query}_to_{self.gallery}"


class Clips(NamedTuple):
  """The clips of a record folder that can be compared.

  Attributes:
    records: usable are those that hold two modalities which are compared.
    held: modality to bool [clip_count], which clips of the folder hold it.
  """

  records: reader.Records
  held: dict[str, np.ndarray]


class Embedded(NamedTuple):
  """What one encoder makes of all clips that hold its modality.

  Attributes:
    clips: int64 [R], sample_index of each row; captions of a clip share it.
    spaces: name to float64 [R, E], of length 1.
    word_ids: int32 [R, L], of captions only.
  """

  clips: np.ndarray
  spaces: dict[str, np.ndarray]
  word_ids: np.ndarray | None


def open_clips(
  folder: storage.PathLike,
  method: base.Method,
  directions: Iterable[Direction],
  use_silent_sound: bool = True,
) -> Clips:
  """Returns the clips that hold both modalities of one of `directions`.

  Args:
    folder: of the records.
    method: that is evaluated.
    directions: of the retrieval.
    use_silent_sound: see reader.open_records.

  Raises:
    FileNotFoundError: the folder or its manifest does not exist.
    ValueError: it differs from its manifest, its rates are not those of the
      run, or it has no such clip.
  """
  records = reader.open_records(
    folder, set(), use_silent_sound=use_silent_sound
  )
  encoders = _compared(method)
  if "video" in encoders:
    rate_hz = encoders["video"].spec.record_rate_hz
    records.check_rate("image/frame_rate_hz", rate_hz)
  if "audio" in encoders:
    rate_hz = encoders["audio"].spec.spectrogram.sample_rate_hz
    records.check_rate("WAVEFORM/sample_rate_hz", rate_hz)
  words = records.manifest.held(use_silent_sound)
  held = {
    name: np.array([_HELD[name].value in own for own in words], bool)
    for name in encoders
  }
  usable = np.zeros(len(words), bool)
  for direction in directions:
    usable |= held[direction.query] & held[direction.gallery]
  if not usable.any():
    found = ", ".join(
      f"{np.sum(rows)} hold {name}" for name, rows in held.items()
    )
    raise ValueError(
      f"no clip of {folder} holds two modalities that the run compares: of"
      f" {len(words)} clips {found}. Prepare the videos with captions"
      " (--captions, or the column `caption` of the csv), or with audio among"
      " the --modalities."
    )
  return Clips(dataclasses.replace(records, usable=usable), held)


def _compared(method):
  """Returns the encoders that embed into a space of several modalities."""
  return {
    name: encoder
    for name, encoder in method.encoders().items()
    if encoder.spaces
  }


def embed(
  method: base.Method, clips: Clips, settings: protocols.Retrieval
) -> dict[str, Embedded]:
  """Returns the embeddings of all clips by modality.

  Raises:
    ValueError: embeddings that are not finite.
    exit_codes.UserError: a record is damaged; it is named.
  """
  encoders = _compared(method)
  networks = {name: _network(encoders[name]) for name in encoders}
  per_clip = {
    "video": settings.temporal_clips * settings.spatial_crops,
    "audio": settings.temporal_clips,
  }
  numbers = {name: [] for name in networks}
  parts = {name: [] for name in networks}
  word_ids = []
  for number, inputs in _inputs(encoders, clips, settings):
    for name, rows in inputs.items():
      size = min(settings.batch_size, per_clip.get(name, settings.batch_size))
      parts[name].append(_forward(networks[name], rows, size))
      numbers[name] += [number] * (len(rows) // per_clip.get(name, 1))
    if "text" in inputs:
      word_ids.append(inputs["text"].numpy())
  return {
    name: Embedded(
      np.array(numbers[name], np.int64),
      _aggregate(parts[name], per_clip.get(name, 1), name),
      np.concatenate(word_ids) if name == "text" else None,
    )
    for name in networks
    if parts[name]
  }


def _network(encoder: base.Encoder) -> Network:
  """Returns a compiled function of plain inputs to embeddings by space."""
  spec = encoder.spec

  @tf.function(autograph=False)
  def network(inputs):
    if spec.piece == "video":
      inputs = tf.cast(inputs, tf.float32) / 255.0
    elif spec.piece == "audio":
      heard = cast(views.AudioViewSpec, spec)
      inputs = spectrogram.of_waveform(inputs, heard.spectrogram)
    found = encoder(inputs)
    return {
      space: tf.cast(found[space], tf.float32) for space in encoder.spaces
    }

  return network


def _forward(network, inputs, size):
  """Returns the spaces of all rows [N, ...], `size` at a time, as NumPy."""
  count = len(inputs)
  parts = []
  for begin in range(0, count, size):
    rows = inputs[begin : begin + size]
    parts.append(network(last_batch.pad(rows, size)))
  return {
    space: np.concatenate([part[space] for part in parts])[:count]
    for space in parts[0]
  }


def _aggregate(parts, num_views, name):
  return {
    space: zero_shot.aggregate_windows(
      np.concatenate([part[space] for part in parts]),
      num_views,
      AGGREGATION,
      name,
    )
    for space in parts[0]
  }


def _inputs(
  encoders: dict[str, base.Encoder],
  clips: Clips,
  settings: protocols.Retrieval,
) -> Iterator[tuple[int, dict[str, tf.Tensor]]]:
  """Yields sample_index and what the clip holds: uint8 pixels, samples, ids.

  Clips without pictures come last: within one dataset all have the same parts.
  """
  specs = {name: encoder.spec for name, encoder in encoders.items()}
  tokenizer = None
  if "text" in specs:
    tokenizer = text.Tokenizer(cast(views.TextViewSpec, specs["text"]))

  def sample_views(clip, seed):
    del seed  # nothing is random
    return {_NAME: _test_view(clip, specs, tokenizer, settings)}

  with tqdm.tqdm(
    desc="test clips", total=clips.records.usable_count, unit=" clips"
  ) as progress:
    for records in _groups(clips):
      batches = one_pass.dataset(
        records,
        sample_views,
        modalities=records.modalities,
        seed=0,
        batch_size=1,  # clips differ in their number of captions
      )
      batches = batches.map(operator.itemgetter(_NAME))
      for view in features.read(records, batches):
        yield int(view.sample_index[0]), _parts(view)
        progress.update()


def _groups(clips):
  """Yields the records with pictures, and those without."""
  for has_pictures in (True, False):
    usable = clips.records.usable & (clips.held["video"] == has_pictures)
    if usable.any():
      yield dataclasses.replace(
        clips.records,
        usable=usable,
        modalities={
          _HELD[name] for name, held in clips.held.items() if held[usable].any()
        },
      )


def _parts(view):
  """Returns what is there of the view of one clip, without its batch axis."""
  found = {}
  if view.video is not None:
    found["video"] = view.video[0]
  if view.waveform is not None and view.mask[0] > 0:
    found["audio"] = view.waveform[0]
  if view.text is not None and len(view.text[0]):
    found["text"] = view.text[0]
  return found


def _test_view(clip, specs, tokenizer, settings):
  """Returns video [V, T, H, W, 3], waveform [W, N] and text [K, L]."""
  view = views.View(sample_index=clip.sample_index)
  if clip.frames is not None:
    pictures = regular_views.evaluation_views(
      clip,
      specs["video"],
      temporal_clips=settings.temporal_clips,
      spatial_crops=settings.spatial_crops,
      short_side=settings.test_short_side,
    )
    view = view._replace(video=pictures.video)
  if clip.waveform is not None:
    sounds = _sounds(clip, specs, settings.temporal_clips)
    view = view._replace(
      waveform=tf.stack([sound.waveform for sound in sounds]),
      mask=sounds[0].mask,
    )
  if clip.captions is not None:
    view = view._replace(text=tokenizer(clip.captions))
  return view


def _sounds(clip, specs, count):
  """Returns the sound of the windows in which the pictures are seen."""
  heard = specs["audio"]
  spec = views.WaveformViewSpec(
    seconds=heard.seconds, spectrogram=heard.spectrogram
  )
  all_starts = regular_views.regular_starts(clip, specs["video"], count)
  return [
    clip_views.view(clip, spec, start, seed=0, name=_NAME)
    for start in tf.unstack(all_starts)
  ]


def calibrate(
  method: base.Method,
  clips: Clips,
  word_ids: np.ndarray | None,
  settings: protocols.Retrieval,
  seed: int,
) -> None:
  """Sets the batch-norm statistics of all encoders; weights stay as they are.

  The protocol has no training clips: the statistics are those of the test
  clips, each modality alone, which tells nothing of what belongs together.

  Args:
    method: with initial weights.
    clips: of the test.
    word_ids: int32 [R, L] of the captions; None without.
    settings: of the test.
    seed: of the views.
  """
  for name, encoder in _compared(method).items():
    usable = clips.records.usable & clips.held[name]
    if name == "text":
      _calibrate_text(encoder, word_ids, settings.batch_size, seed)
    elif usable.any():
      spec = features.training_spec(encoder.spec)
      random_network.calibrate(
        encoder,
        dataclasses.replace(
          clips.records, usable=usable, modalities={_HELD[name]}
        ),
        features.Settings(
          spec,
          spec,
          settings,
          settings.batch_size,
          seed,
        ),
      )


def _calibrate_text(encoder, word_ids, batch_size, seed):
  """As random_network.calibrate: only a NON_LINEAR head has batch norm."""
  if word_ids is None:
    return
  generator = np.random.default_rng(seed)
  for _ in range(random_network.CALIBRATION_PASSES):
    rows = generator.integers(0, len(word_ids), batch_size)
    encoder(tf.constant(word_ids[rows]), training=True)
