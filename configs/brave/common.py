"""What the paper's runs have in common; a recipe says only what is its own.

Every value is the default of a dataclass, whose docstring has its source, or
has its source here. Appendix A.1 says that the models "with audio reported in
Table 5" take 620k steps; Table 5 has none, Sec. 4.4 says it of Table 6. All
search the whole grid of fine-tuning; what Table 7 found with it is in PAPER.
"""

from typing import Any

from tfvssl import views
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment
from tfvssl.config import pictures
from tfvssl.methods import brave
from tfvssl.optim import lars


def rgb_broad(
  num_views: int = 1,
  *,
  random_convolution: bool = True,
  sync: views.Sync = views.Sync.INDEPENDENT,
  num_frames: int = 64,
  frame_step: int = 4,
  image_size: int = 112,
) -> dict[str, brave.Broad]:
  """Returns 10 s of RGB: 64 frames, 6.25 a second, 112 px (Sec. 4.1)."""
  view = views.RgbViewSpec(
    sync=sync,
    num_frames=num_frames,
    frame_step=frame_step,
    image_size=image_size,
    augmentation=pictures.RgbAugmentation(
      random_convolution=random_convolution
    ),
  )
  backbone = tsm_resnet.TSMResNetConfig()
  return {"rgb": brave.Broad(view, backbone, num_views)}


def flow_broad(num_views: int = 1) -> dict[str, brave.Broad]:
  """Returns 10 s of optical flow, in time as RGB (appendix A.2)."""
  backbone = tsm_resnet.TSMResNetConfig()
  return {"flow": brave.Broad(views.FlowViewSpec(), backbone, num_views)}


def audio_broad(
  seconds: float = 5.0, sync: views.Sync = views.Sync.START
) -> dict[str, brave.Broad]:
  """Returns sound, 5 s that start with the narrow view (Sec. 3.2, 4.4)."""
  view = views.AudioViewSpec(sync=sync, seconds=seconds)
  return {"audio": brave.Broad(view, resnet_audio.AudioResNetConfig())}


def narrow(num_frames: int = 16, frame_step: int = 2) -> views.RgbViewSpec:
  """Returns 1.3 s of RGB: 16 frames, 12.5 a second, 224 px (Sec. 4.1)."""
  return views.RgbViewSpec(num_frames=num_frames, frame_step=frame_step)


def video_only(
  broad: dict[str, brave.Broad], **method: Any
) -> experiment.Experiment:
  """Returns a run without sound: Tables 1 to 6, Kinetics.

  Args:
    broad: of `rgb_broad` or `flow_broad`.
    **method: other fields of BraveConfig that differ from their defaults.
  """
  return _experiment(broad, method, peak=4.8, steps=300_000)


def audio_ablation(
  broad: dict[str, brave.Broad], **method: Any
) -> experiment.Experiment:
  """Returns a run with sound as in Tables 2 and 8: 300k steps, 16 frames."""
  return _experiment(broad, method, peak=1.0, steps=300_000)


def with_audio(
  broad: dict[str, brave.Broad], **method: Any
) -> experiment.Experiment:
  """Returns a run with sound as in Table 6: 620k steps, 32 frames (Sec. 4.4).

  Args:
    broad: with "audio" in it.
    **method: other fields of BraveConfig that differ from their defaults.
  """
  method = {"narrow": narrow(num_frames=32), **method}
  return _experiment(broad, method, peak=1.0, steps=620_000)


def _experiment(broad, method, *, peak, steps):
  """Returns a run; its peak is 4.8 without and 1.0 with sound (Sec. 4.1)."""
  return experiment.Experiment(
    method=brave.BraveConfig(broad=broad, **method),
    optimizer=lars.LarsConfig(),
    schedule=experiment.Schedule(peak=peak),
    batch_size=512,
    steps=steps,
  )
