"""BraVe V-A: RGB against 5 s of sound, on AudioSet.

Paper: Table 6, row "BraVe: V <-> A (ours), TSM-50, AS".
Command:
  python -m tfvssl.train --config=configs/brave_va_audioset.py --workdir=RUN \\
      --config.data.train_records=AUDIOSET --config.runtime.strategy=tpu
Expected (linear): UCF101 93.0, HMDB51 69.4, K600 70.6, ESC-50 93.0,
  AudioSet 36.4 (MLP).
Cost: 620k steps of 512 clips; the paper gives neither hardware nor hours.
Reproduced here: no; never run beyond its construction.
"""

from tfvssl import config
from tfvssl import views
from tfvssl.backbones import resnet_audio
from tfvssl.methods import brave
from tfvssl.optim import lars


def get_config() -> config.Experiment:
  """Returns the run."""
  return config.Experiment(
    method=brave.BraveConfig(
      narrow=views.RgbViewSpec(num_frames=32),  # paper Sec. 4.4
      broad={
        "audio": brave.Broad(
          view=views.AudioViewSpec(seconds=5.0),
          backbone=resnet_audio.AudioResNetConfig(),
        )
      },
    ),
    optimizer=lars.LarsConfig(),
    schedule=config.Schedule(peak=1.0),  # with sound, paper Sec. 4.1
    batch_size=512,
    steps=620_000,  # paper Sec. 4.4
  )
