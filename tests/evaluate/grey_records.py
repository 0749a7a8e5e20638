"""Records of plain pictures, whose mean brightness is the feature."""

import numpy as np
import tensorflow as tf

from tests.data import record_fixture
from tfvssl import views
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.data.records import encoded_clip
from tfvssl.evaluate.samples import features
from tfvssl.methods import base


def grey_clip(name, label, levels, ramp=0.0, height=32, width=48):
  """Returns a clip whose frame t has the grey level `levels[t]`.

  Args:
    name: id of the clip.
    label: index into record_fixture.CLASSES, or -1.
    levels: 0 to 255, one per frame.
    ramp: grey levels that are added per pixel to the right.
    height: in pixels.
    width: in pixels.
  """
  across = np.arange(width) * ramp
  frames = []
  for level in levels:
    row = np.clip(level + across, 0, 255)
    picture = np.broadcast_to(row[:, np.newaxis], [height, width, 3])
    frames.append(
      tf.io.encode_jpeg(
        picture.astype(np.uint8), quality=100, chroma_downsampling=False
      ).numpy()
    )
  return encoded_clip.EncodedClip(
    clip_id=name,
    path=name,
    start_s=0.0,
    duration_s=len(levels) / 25,
    frames=frames,
    label_index=label,
    height=height,
    width=width,
    label_text="" if label < 0 else record_fixture.CLASSES[label],
  )


def bright_and_dark(folder, num_clips, first=0, prefix="", flip=False):
  """Writes clips of class 0 that are dark and of class 1 that are bright."""
  generator = np.random.default_rng(first)
  clips = []
  for number in range(first, first + num_clips):
    label = number % 2
    dark = (label == 0) != flip
    level = generator.integers(20, 80) + (0 if dark else 130)
    clips.append(
      grey_clip(
        f"{prefix}{number}.mp4", label, [level] * 12 + [level + number % 7]
      )
    )
  return record_fixture.write_records(folder, clips, num_shards=2)


def mean_colour_encoder(spec: views.RgbViewSpec) -> base.Encoder:
  """Returns an encoder whose features are the means of red, green and blue."""
  mean = tf.keras.Sequential([tf.keras.layers.GlobalAveragePooling3D()])
  return base.Encoder(spec, mean, [])


def plain_spec(**changes) -> views.RgbViewSpec:
  """Returns a view of 4 frames that no augmentation changes."""
  return views.RgbViewSpec(
    num_frames=4,
    frame_step=2,
    image_size=16,
    augmentation=pictures.RgbAugmentation(
      flip_probability=0.0,
      colour_probability=0.0,
      greyscale_probability=0.0,
      blur_probability=0.0,
    ),
    **changes,
  )


def settings(spec=None, test_spec=None, **changes) -> features.Settings:
  """Returns settings of the smallest protocol."""
  values = {
    "temporal_clips": 2,
    "spatial_crops": 1,
    "test_short_side": 16,
    "batch_size": 4,
    **changes,
  }
  batch_size = values.pop("batch_size")
  spec = spec or plain_spec()
  return features.Settings(
    spec,
    test_spec or spec,
    protocols.TestViews(**values),
    batch_size,
    seed=5,
  )
