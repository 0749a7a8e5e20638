"""Tiny MMV with sound and captions, for two CPU cores.

Shrinks: the FAC row of Table 1b (S3D-G, 16 frames, HowTo100M + AudioSet). Not
  the paper's: small networks (a TSM for the pictures), 32 px, 32 frames over
  2.56 s, a linear video head, no flip, colour jitter, scaling or noise, a
  square of 0.98 of the short side (docs/learning/README.md says why), 40 ms
  between spectrogram frames, words of 32 numbers.
Command:
  python -m data_prep.make_vocabulary --records=TRAIN --output=words.txt
  python -m tfvssl.train --config=configs/tiny_mmv.py --workdir=RUN \\
      --config.data.train_records=TRAIN \\
      --config.method.partners.text.view.vocabulary=words.txt
Expected: it has no published number; docs/learning/README.md has ours.
Cost: about ten minutes on 2 CPU cores.
Reproduced here: it has no published number.
"""

import dataclasses

from tfvssl import views
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import tsm_resnet
from tfvssl.backbones import word_embedding
from tfvssl.config import experiment
from tfvssl.config import pictures
from tfvssl.config import sound
from tfvssl.methods import mmv
from tfvssl.methods.parts import embedding_graph
from tfvssl.optim import adam

from . import tiny_brave

# Of a clip of 3 s nearly all: what moves when is what sound and pictures of one
# speaker share.
_SECONDS = 2.56
_IMAGE_SIZE = 32
# Training sees 0.98 of the short side.
_SHORT_SIDE = 33


def get_config() -> experiment.Experiment:
  """Returns the run."""
  run = tiny_brave.experiment(method())
  protocols = {
    name: dataclasses.replace(getattr(run, name), test_short_side=_SHORT_SIDE)
    for name in ("svm", "linear", "finetune", "mlp", "retrieval")
  }
  return dataclasses.replace(
    run,
    optimizer=adam.AdamConfig(),
    schedule=experiment.Schedule(peak=2e-3, warmup_steps=35),
    batch_size=32,
    steps=1000,
    **protocols,
  )


def method() -> mmv.MmvConfig:
  """Returns tiny networks for pictures, sound and captions."""
  return mmv.MmvConfig(
    video=views.RgbViewSpec(
      num_frames=32,
      frame_step=2,
      image_size=_IMAGE_SIZE,
      crop=pictures.JitterCrop(scale=(1.0, 1.0), share=0.98),
      augmentation=pictures.RgbAugmentation(
        flip_probability=0.0,
        colour_probability=0.0,
        greyscale_probability=0.0,
        blur_probability=0.0,
      ),
    ),
    video_backbone=tsm_resnet.TSMResNetConfig(
      blocks=(1, 1, 1), width=0.25, shift_fraction=0.25
    ),
    partners={
      "audio": mmv.Partner(
        view=views.WaveformViewSpec(
          seconds=_SECONDS,
          # It makes real silence 11 times as loud, and in training only.
          noise=0.0,
          spectrogram=sound.SpectrogramSpec(
            frame_length=1920, frame_step=1920, num_mels=40
          ),
        ),
        backbone=resnet_audio.AudioResNetConfig(blocks=(1, 1, 1), width=0.25),
      ),
      "text": mmv.Partner(
        view=views.TextViewSpec(num_captions=1),
        backbone=word_embedding.WordEmbeddingConfig(
          vocabulary_size=256, word_dim=32, output_dim=128
        ),
      ),
    },
    video_head=embedding_graph.Head.LINEAR,
    fine_dim=128,
    coarse_dim=64,
  )
