"""One deflation: a run's video network, made to take images, and saved."""

import dataclasses
import hashlib
import json
import shutil

from tfvssl.config import tree
from tfvssl.data.records import damage
from tfvssl.data.records import reader
from tfvssl.deflate import networks
from tfvssl.deflate import training as deflation
from tfvssl.runtime import exit_codes
from tfvssl.runtime import replicas
from tfvssl.runtime import storage
from tfvssl.train import restoring
from tfvssl.train import run_folder
from tfvssl.train import weights

_UNFINISHED = "unfinished_deflation"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
  """What a deflation is asked for.

  Attributes:
    workdir: of the run.
    records: record folder of pictures.
    epochs: passes of the pictures.
    decay_epochs: after every so many the learning rate is a tenth.
    learning_rate: of Adam.
    batch_size: pictures per update.
    short_side: of a picture, in pixels, before its central square is taken.
  """

  workdir: storage.Path
  records: str
  epochs: int
  decay_epochs: int
  learning_rate: float
  batch_size: int
  short_side: int


def deflate(request: Request) -> list[float]:
  """Trains and writes the network; returns the mean L1 of every epoch.

  Raises:
    ValueError: the run is already deflated, or `short_side` or `batch_size`
      does not fit.
    exit_codes.UserError: run or records cannot be used (3).
  """
  workdir = request.workdir
  folder = networks.folder_of(workdir)
  if folder.exists():
    raise ValueError(f"{folder} exists; remove it to deflate the run again.")
  try:
    replicas.prepare_process(run_folder.read_config(workdir))
    experiment, method, step = weights.load_method(workdir)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  video = method.encoders()["video"]
  image = networks.encoder(video, networks.Image.NAIVE, workdir)
  choices, history = _fit(request, video, image, experiment.seed)
  networks.save(image.backbone, workdir, step, choices)
  shutil.rmtree(workdir / _UNFINISHED)
  return history


def _fit(request, video, image, seed):
  """Trains the deflated network; returns all choices, and the mean L1s."""
  if request.short_side < image.spec.image_size:
    raise ValueError(
      f"--short_side={request.short_side} must be at least the view's"
      f" `image_size` ({image.spec.image_size})."
    )
  records = _open_records(request.records, image.spec)
  if records.usable_count < request.batch_size:
    raise ValueError(
      f"--records={request.records} holds {records.usable_count} pictures, a"
      f" batch {request.batch_size}; give more, or --batch_size="
      f"{records.usable_count or 1}."
    )
  settings = deflation.DeflationConfig(
    num_frames=video.spec.num_frames,
    epochs=request.epochs,
    learning_rate=request.learning_rate,
    decay_epochs=request.decay_epochs,
    batch_size=request.batch_size,
    seed=seed,
  )
  digests = "".join(shard.sha256 for shard in records.manifest.shards)
  choices = {
    "settings": tree.to_tree(settings),
    "short_side": request.short_side,
    "pictures": records.usable_count,
    "shards_hash": hashlib.sha256(digests.encode()).hexdigest(),
  }
  with damage.explained(records):
    history = deflation.fit(
      video.backbone,
      image.backbone,
      networks.pictures(records, image.spec, request.short_side),
      settings,
      _unfinished(request.workdir, choices),
    )
  return {**choices, "mean_l1": history}, history


def _unfinished(workdir, choices):
  """Returns where an equal deflation that was stopped has its checkpoints."""
  about = json.dumps([choices, restoring.identity(workdir)], sort_keys=True)
  name = hashlib.sha256(about.encode()).hexdigest()[:16]
  return workdir / _UNFINISHED / name


def _open_records(folder, spec):
  try:
    return reader.open_for_views(folder, [spec])
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
