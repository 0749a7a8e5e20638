"""Tiny BraVe with a broad audio view (V-A), for the demo, on two CPU cores.

Shrinks: the V-A row of Table 6 (TSM-50, AudioSet, 5 s of sound). Not the
  paper's: the small networks, 40 px, 8 frames, no colour jitter (at this
  length of training it hides the effect), 20 ms between spectrogram frames,
  the released scale of the loss.
Command:
  python -m tfvssl.train --config=configs/tiny_brave.py --workdir=RUN \\
      --config.data.train_records=TRAIN --config.data.heldout_records=TEST
Expected: see the demo's figures in docs/learning/README.md.
Cost: about two minutes on 2 CPU cores.
Reproduced here: it has no published number; the demo runs it.
"""

from tfvssl import views
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment as config
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.config import sound
from tfvssl.methods import brave
from tfvssl.optim import lars


def get_config() -> config.Experiment:
  """Returns the run."""
  return experiment(method())


def method() -> brave.BraveConfig:
  """Returns tiny networks with sound as the broad view."""
  return brave.BraveConfig(
    narrow=views.RgbViewSpec(
      num_frames=8,
      frame_step=2,
      image_size=40,
      crop=pictures.Crop(area=(0.6, 1.0), aspect=(0.8, 1.25)),
      augmentation=pictures.RgbAugmentation(
        colour_probability=0.0,
        greyscale_probability=0.0,
        blur_probability=0.0,
      ),
    ),
    narrow_backbone=tsm_resnet.TSMResNetConfig(
      blocks=(1, 1, 1), width=0.25, shift_fraction=0.25
    ),
    broad={
      "audio": brave.Broad(
        view=views.AudioViewSpec(
          seconds=2.56,
          spectrogram=sound.SpectrogramSpec(
            frame_length=1920, frame_step=960, num_mels=40
          ),
        ),
        backbone=resnet_audio.AudioResNetConfig(blocks=(1, 1, 1), width=0.25),
      )
    },
    hidden_dim=256,
    embedding_dim=64,
    # LARS does not feel the scale of the loss, biases and norms do: at the
    # paper's sum they move four times as fast, and in so few steps the
    # embeddings drifted to their mean more often.
    loss_scale=brave.LossScale.RELEASED,
  )


def experiment(method_config: config.MethodConfig) -> config.Experiment:
  """Returns the run of a tiny method, whatever its views."""
  return config.Experiment(
    method=method_config,
    # A record of 10 s holds 1 MB of sound.
    data=config.Data(shuffle_buffer=256),
    optimizer=lars.LarsConfig(),
    schedule=config.Schedule(peak=1.5, warmup_steps=35),
    logging=config.Logging(
      scalars_every=10,
      heldout_every=50,
      heldout_batches=2,
      images_every=10_000,  # at the first step and at the last
      checkpoint_every=100,
      checkpoints_kept=2,
    ),
    **_evaluations(),
    batch_size=64,
    steps=350,
  )


def _evaluations():
  """Returns the sections of the protocols, for 40 px and seconds of time."""
  return {
    "svm": protocols.Svm(
      train_epochs=3,
      grid_c=(1e-4, 1e-3, 1e-2),
      temporal_clips=8,
      spatial_crops=1,
      test_short_side=40,
      batch_size=64,
    ),
    "linear": protocols.Linear(
      temporal_clips=8,
      spatial_crops=1,
      test_short_side=40,
      epochs=20,
      warmup_epochs=1,
      batch_size=64,
      test_batch_size=64,
    ),
    "finetune": protocols.FineTune(
      temporal_clips=8,
      test_short_side=40,
      epochs=20,
      warmup_epochs=1,
      batch_size=64,
      learning_rates=(0.3,),
      weight_decays=(0.0,),
      dropouts=(0.1,),
      test_batch_size=64,
    ),
    "mlp": protocols.ShallowMlp(
      temporal_clips=8,
      spatial_crops=1,
      test_short_side=40,
      hidden_dim=128,
      warmup_steps=20,
      learning_rate=1e-3,
      batch_size=64,
      test_batch_size=64,
    ),
    # Training sees 0.9 of the short side.
    "retrieval": protocols.Retrieval(
      temporal_clips=8, test_short_side=44, batch_size=64
    ),
  }
