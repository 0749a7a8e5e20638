"""Published BraVe weights in a run of ours, which every binary then takes.

The names are Haiku's module paths; `haiku_variables` of each network says
which variable has which. What the released code keeps beside the weights is
left out by name: the sets of `shared_project` that its initialisation makes
and never trains, and what its averages are computed from.
"""

import dataclasses
import re

from tfvssl import views
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment as config
from tfvssl.config import pictures
from tfvssl.config import sound
from tfvssl.import_weights import assignment
from tfvssl.import_weights import published_file
from tfvssl.methods import brave
from tfvssl.optim import lars
from tfvssl.runtime import storage
from tfvssl.train import weights

BLOCKS = (3, 4, 6, 3)  # all published networks are ResNet-50

_NARROW = "narrow_video_embedding/TSMResNetV2"
_HEADS = "shared_project"
# Our name of the modality, and the published root of its network.
_BROAD = {
  "rgb": "broad_video_embedding/TSMResNetV2",
  "audio": "broad_audio_embedding/res_net_v2",
}
_AUDIO_STEM = f"{_BROAD['audio']}/~/initial_conv/w"
_FIRST_LINEAR = f"{_HEADS}/projector/linear/w"
_STEM_CHANNELS = 64  # of width 1

_DEAD_HEADS = re.compile(rf"{_HEADS}_\d+/")
_BEHIND_AVERAGE = re.compile(r"/~/(mean|var)_ema/(hidden|counter)$")


def import_run(
  published: published_file.PublishedFile,
  output: storage.Path,
  *,
  allow_partial: bool = False,
) -> assignment.Report:
  """Writes the folder of a run at step 0; it appears by one rename.

  Args:
    published: what was read.
    output: folder that does not exist or is empty.
    allow_partial: take a file that holds only some of the networks.

  Raises:
    ValueError: a tensor is missing, unknown, not finite, or not of the shape
      that the config asks for.
  """
  experiment = experiment_of(published)
  method = weights.fresh_method(experiment, experiment.seed)
  report = assign(method, published, allow_partial=allow_partial)
  assignment.write_run(output, experiment, method, _describe(published, report))
  return report


def _describe(published, report):
  released = dataclasses.asdict(published.config)
  del released["dataset_shards"]  # paths of another company's machines
  return {
    "source": "brave",
    "file": published.path.name,
    "sha256": published.sha256,
    "config": released,
    **dataclasses.asdict(report),
  }


def experiment_of(
  published: published_file.PublishedFile,
) -> config.Experiment:
  """Returns the run that the file's networks are part of, as released.

  The released code widens the broad video network with the narrow one, starts
  the broad views with the narrow one, and has its own order of augmentations
  and scale of the loss. Its trainer is not the one that made the weights, so
  the optimiser is the default.

  Raises:
    ValueError: the config contradicts the tensors or one of our rules.
  """
  released = published.config
  if released.input_video_sample_rate != views.FRAME_RATE_HZ:
    raise ValueError(
      "`config.input_video_sample_rate`"
      f" ({released.input_video_sample_rate:g}) must be"
      f" {views.FRAME_RATE_HZ:g}, the frame rate of all records."
    )
  width = released.tsm_resnet_width_multiplier
  audio_width = _last_size(published, _AUDIO_STEM, _STEM_CHANNELS)
  audio_width /= _STEM_CHANNELS
  _require_at_most(
    f"width of {_AUDIO_STEM}", audio_width, published_file.WIDEST
  )
  hidden_dim = _last_size(published, _FIRST_LINEAR, 4096)
  _require_at_most(
    f"size of {_FIRST_LINEAR}", hidden_dim, published_file.LARGEST_HEAD
  )
  video = tsm_resnet.TSMResNetConfig(blocks=BLOCKS, width=width)
  audio = resnet_audio.AudioResNetConfig(blocks=BLOCKS, width=audio_width)
  broad = {
    "rgb": brave.Broad(_broad_rgb(released), video),
    "audio": brave.Broad(_broad_audio(released), audio),
  }
  experiment = config.Experiment(
    method=brave.BraveConfig(
      narrow=_rgb(
        released.num_frames_narrow,
        released.step_narrow,
        released.image_size_narrow,
      ),
      narrow_backbone=video,
      broad={name: broad[name] for name in _modalities(published)},
      hidden_dim=hidden_dim,
      embedding_dim=released.output_dims,
      loss_scale=brave.LossScale.RELEASED,
    ),
    optimizer=lars.LarsConfig(),
  )
  experiment.validate()
  return experiment


def _require_at_most(name, value, limit):
  if value > limit:
    raise ValueError(f"`{name}` ({value:g}) must be at most {limit}.")


def _last_size(published, name, default):
  """Returns the last size of a tensor; `default` where it is not there."""
  array = published.tensors.get(name)
  if array is None:
    return default
  if not array.ndim:
    raise ValueError(f"tensor '{name}' is a scalar; download the file again.")
  return array.shape[-1]


def _modalities(published):
  """Returns the broad modalities: those with tensors, else of the config."""
  held = [
    name
    for name, root in _BROAD.items()
    if any(tensor.startswith(f"{root}/") for tensor in published.tensors)
  ]
  released = published.config
  told = {
    "rgb": released.include_video_in_broad_view,
    "audio": released.include_audio_in_broad_view,
  }
  # One broad network at least is part of every run.
  return held or [name for name, is_told in told.items() if is_told] or ["rgb"]


def _rgb(num_frames, frame_step, image_size, **augmentation):
  return views.RgbViewSpec(
    sync=views.Sync.START,
    num_frames=num_frames,
    frame_step=frame_step,
    image_size=image_size,
    augmentation=pictures.RgbAugmentation(
      order=pictures.Order.RELEASED, **augmentation
    ),
  )


def _broad_rgb(released):
  return _rgb(
    released.num_frames_broad,
    released.step_broad,
    released.image_size_broad,
    random_convolution=True,
  )


def _broad_audio(released):
  """Returns the sound of the broad view's frames; 10.24 s as released."""
  frames = released.num_frames_broad * released.step_broad
  return views.AudioViewSpec(
    sync=views.Sync.START,
    seconds=frames / released.input_video_sample_rate,
    spectrogram=sound.SpectrogramSpec(
      sample_rate_hz=released.input_audio_sample_rate,
      frame_step=released.fft_step,
      num_mels=released.num_spectrogram_bins,
    ),
  )


def assign(
  method: brave.Brave,
  published: published_file.PublishedFile,
  *,
  allow_partial: bool = False,
) -> assignment.Report:
  """Gives the variables of `method` the values of the file.

  Nothing is assigned unless all can be.

  Args:
    method: of `experiment_of`, with weights.
    published: what was read.
    allow_partial: leave networks random that the file lacks as a whole, and
      leave out tensors that no network has. The narrow network must be there.

  Raises:
    ValueError: see `import_run`.
  """
  return assignment.assign(
    _parts(method),
    published.tensors,
    published.path,
    required="narrow_backbone",
    reason_of=_reason,
    allow_partial=allow_partial,
  )


def _reason(name, taken):
  """Returns why a tensor has no variable, None if it is unknown."""
  if _DEAD_HEADS.match(name):
    return "heads that were never trained"
  average = f"{name.rpartition('/')[0]}/average"
  if _BEHIND_AVERAGE.search(name) and average in taken:
    return "parts of averages"
  return None


def _parts(method):
  """Returns the variables of every part of the run by published name."""
  parts = {
    "narrow_backbone": method.narrow_backbone.haiku_variables(_NARROW),
    "projector": method.projector.haiku_variables(f"{_HEADS}/projector"),
    "predictor": method.predictor.haiku_variables(f"{_HEADS}/predictor"),
  }
  for name, backbone in method.broad_backbones.items():
    parts[f"broad_backbones.{name}"] = backbone.haiku_variables(_BROAD[name])
  for name, adapter in method.broad_adapters.items():
    # The released code has none, so no file can hold one.
    parts[f"broad_adapters.{name}"] = {
      f"{name} {variable.name.partition(':')[0]}": variable
      for variable in adapter.variables
    }
  return parts
