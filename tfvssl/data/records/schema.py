"""THE record contract: what a SequenceExample and its manifest hold.

One record is one clip. Keys follow the released BraVe reader where it has
them (`image/encoded`, `clip/label/index`, the waveform under
`WAVEFORM/feature/`). Every rate, hop, scale and bound stands in the record.

context
  schema_version              int64    SCHEMA_VERSION
  config_hash                 bytes    hash of the preparation's configuration
  clip/id                     bytes    unique; from a csv, else the path, with
                                         `#start_s` if cut
  clip/path                   bytes    of its file, relative to the input; the
                                         clips of one file share it
  clip/start_s                float    where the clip starts in its file
  clip/duration_s             float
  clip/label/index            int64 [L]  one or more; a single -1 without label
  clip/label/text             bytes    empty without label, several joined by |
  clip/caption                bytes [C]  one empty text without caption
  clip/caption/start_s, end_s float [C]  from the clip's start, inside it; none
                                         in old records: captions last all of it
  image/frame_rate_hz         float    \\
  image/height, image/width   int64     > where the clip has pictures
  flow/frame_rate_hz          float    \\
  flow/bound_px               float     > where it has flow; values count in
  flow/short_side_px          int64    /  pixels of fields of this short side
  WAVEFORM/sample_rate_hz     int64    \\
  WAVEFORM/valid_samples      int64     > where it has sound; zeros follow the
                                          valid samples to the clip's end
  SPECTROGRAM/frame_rate_hz   float    \\
  SPECTROGRAM/num_mels        int64     > where the spectrogram is packed
  SPECTROGRAM/dtype           bytes    'float16' or 'float32'
feature lists
  image/encoded               bytes [T]  JPEG, colour
  flow/encoded                bytes [T]  grey PNG, u above v: [2 H, W]
  WAVEFORM/feature/pcm16      bytes [1]  mono, signed 16 bit, little endian
  SPECTROGRAM/feature/log_mel bytes [1]  [S, M], row-major
An absent modality is an absent feature list, never zeros.
"""

from typing import TYPE_CHECKING

from tfvssl import views

if TYPE_CHECKING:
  import tensorflow as tf

SCHEMA_VERSION = 2
# A forged header may claim 65500 x 65500; 4K is the largest that is decoded.
MAX_PIXELS = 4096 * 2304
# Readers take so much of a record to have its whole context. What a person
# wrote, captions above all, may fill it but for the rest of the context.
CONTEXT_BYTES = 1 << 18
TEXT_BYTES = CONTEXT_BYTES - (1 << 12)

# A stored flow byte is FLOW_ZERO + round(px / bound_px * FLOW_LEVELS), with
# px cut to +-bound_px; so no motion is stored exactly. 0 is not used.
FLOW_ZERO = 128
FLOW_LEVELS = 127

CAPTION_TIMES = ("clip/caption/start_s", "clip/caption/end_s")
FEATURE_LISTS = {
  views.Modality.RGB: "image/encoded",
  views.Modality.FLOW: "flow/encoded",
  views.Modality.AUDIO: "WAVEFORM/feature/pcm16",
  views.Modality.SPECTROGRAM: "SPECTROGRAM/feature/log_mel",
}
# Frames, samples or spectrogram frames per second.
RATES = {
  views.Modality.RGB: "image/frame_rate_hz",
  views.Modality.FLOW: "flow/frame_rate_hz",
  views.Modality.AUDIO: "WAVEFORM/sample_rate_hz",
  views.Modality.SPECTROGRAM: "SPECTROGRAM/frame_rate_hz",
}


def parse(
  serialized: "tf.Tensor",
  modalities: set[views.Modality],
  sample_index: "tf.Tensor",
  epoch: "tf.Tensor",
  *,
  optional: frozenset[views.Modality] = frozenset(),
) -> views.Clip:
  """Returns the record as a Clip with the fields of `modalities`, in graph.

  `label` is the first of several labels. The length is that of pictures or
  flow, else of the sound at views.FRAME_RATE_HZ. Captions are sorted by their
  start; a record without any gives [0] and [0, 2].

  Args:
    serialized: string scalar.
    modalities: what to parse; the record must hold all but captions.
    sample_index: int64 scalar.
    epoch: int64 scalar.
    optional: what the record may lack all the same; [0] or [0, 1] then.

  Raises:
    tf.errors.InvalidArgumentError: a feature is missing; it names the key.
  """
  import tensorflow as tf

  context = _context_features(modalities, optional)
  feature = tf.io.FixedLenSequenceFeature
  lists = {
    FEATURE_LISTS[m]: feature([], tf.string, allow_missing=m in optional)
    for m in modalities & FEATURE_LISTS.keys()
  }
  head, steps = tf.io.parse_single_sequence_example(serialized, context, lists)
  waveform = steps.get(FEATURE_LISTS[views.Modality.AUDIO])
  spectrogram = steps.get(FEATURE_LISTS[views.Modality.SPECTROGRAM])
  if waveform is not None:  # one string, or none, which joined is empty
    waveform = tf.io.decode_raw(tf.strings.reduce_join(waveform), tf.int16)
  if spectrogram is not None:
    from tfvssl.data.records import packed  # few records have one

    raw = tf.strings.reduce_join(spectrogram)
    spectrogram = packed.spectrogram(raw, head)
  captions, times_s = _captions(head, modalities)
  clip = views.Clip(
    clip_id=head["clip/id"],
    sample_index=sample_index,
    epoch=epoch,
    label=_first_label(head["clip/label/index"]),
    frames=steps.get(FEATURE_LISTS[views.Modality.RGB]),
    flow=steps.get(FEATURE_LISTS[views.Modality.FLOW]),
    waveform=waveform,
    spectrogram=spectrogram,
    captions=captions,
    caption_times_s=times_s,
  )
  return _with_length(clip, _rates_hz(head))


def _captions(head, modalities):
  """Returns captions and their times, None where they are not asked for."""
  if views.Modality.TEXT not in modalities:
    return None, None
  from tfvssl.data.records import packed  # many methods have none

  return packed.captions(
    head["clip/caption"],
    [head[name] for name in CAPTION_TIMES],
    head["clip/duration_s"],
  )


def _rates_hz(head):
  """Returns float32 scalars by the modalities that were parsed."""
  import tensorflow as tf

  return {
    modality: tf.cast(head[name], tf.float32)
    for modality, name in RATES.items()
    if name in head
  }


def _context_features(modalities, optional):
  """Returns what of the context is parsed for these modalities."""
  import tensorflow as tf

  context = {
    "clip/id": tf.io.FixedLenFeature([], tf.string),
    "clip/label/index": tf.io.RaggedFeature(tf.int64),
  }
  if views.Modality.SPECTROGRAM in modalities:
    may_lack = views.Modality.SPECTROGRAM in optional
    for name, kind, default in (
      ("SPECTROGRAM/num_mels", tf.int64, 1),
      ("SPECTROGRAM/dtype", tf.string, "float16"),
    ):
      default = default if may_lack else None
      context[name] = tf.io.FixedLenFeature([], kind, default)
  if views.Modality.TEXT in modalities:
    context["clip/duration_s"] = tf.io.FixedLenFeature([], tf.float32)
    context["clip/caption"] = tf.io.RaggedFeature(tf.string)
    for name in CAPTION_TIMES:
      context[name] = tf.io.RaggedFeature(tf.float32)
  for modality in modalities & RATES.keys():
    kind = tf.int64 if modality == views.Modality.AUDIO else tf.float32
    context[RATES[modality]] = tf.io.FixedLenFeature([], kind, 0)
  return context


def _with_length(clip, rates_hz):
  """Returns the clip with its length and rates.

  Args:
    clip: without.
    rates_hz: float32 scalars by the modalities that were parsed.
  """
  import tensorflow as tf

  num_frames = tf.constant(1)
  frame_rate_hz = tf.constant(views.FRAME_RATE_HZ)
  for sound, modality in (
    (clip.spectrogram, views.Modality.SPECTROGRAM),
    (clip.waveform, views.Modality.AUDIO),
  ):
    if sound is not None:
      rate_hz = tf.maximum(1.0, rates_hz[modality])  # 0 where there is no sound
      seconds = tf.cast(tf.shape(sound)[0], tf.float32) / rate_hz
      num_frames = tf.maximum(1, tf.cast(seconds * frame_rate_hz, tf.int32))
  for images, modality in (
    (clip.flow, views.Modality.FLOW),
    (clip.frames, views.Modality.RGB),
  ):
    if images is not None:
      count = tf.size(images)
      num_frames = tf.where(count > 0, count, num_frames)
      frame_rate_hz = tf.where(count > 0, rates_hz[modality], frame_rate_hz)
  return clip._replace(
    num_frames=num_frames,
    frame_rate_hz=frame_rate_hz,
    sample_rate_hz=rates_hz.get(views.Modality.AUDIO, tf.constant(0.0)),
  )


def _first_label(labels):
  import tensorflow as tf

  is_there = tf.debugging.assert_greater(
    tf.size(labels), 0, "clip/label/index is missing from the record."
  )
  with tf.control_dependencies([is_there]):  # else either may fail first
    return labels[0]
