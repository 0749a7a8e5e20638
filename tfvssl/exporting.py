"""Makes an export of encoders: SavedModel, description, card, self-test."""

from collections.abc import Iterator
import contextlib
import os
import pathlib
import shutil

from absl import logging
import numpy as np
import tensorflow as tf

from tfvssl import config
from tfvssl import export_format
from tfvssl import output_folder
from tfvssl import serving
from tfvssl import views
from tfvssl.data import schema
from tfvssl.methods import base

# Reloaded against in-process, float32 on one machine, relative to the largest
# output where that is above 1; Grappler folds batch norm into convolutions.
TOLERANCE = 1e-5
_USUAL_SHORT_SIDE = 256  # default of data_prep.prepare_records


def export(
  encoders: dict[str, base.Encoder],
  output: pathlib.Path,
  *,
  experiment: config.Experiment,
  step: int,
  max_batch_size: int = serving.MAX_BATCH_SIZE,
) -> None:
  """Writes the export; `output` appears only when all of it is right.

  Args:
    encoders: of one method; serving.choose takes those of sight and sound.
    output: see output_folder.check.
    experiment: what the run was made of.
    step: of the checkpoint.
    max_batch_size: clips that one request may hold.

  Raises:
    ValueError: nothing to export, `output` is taken, or the reloaded model
      does not give the outputs of `encoders`.
  """
  output = output_folder.check(output)
  module = serving.ServingModule(encoders, max_batch_size)
  output.parent.mkdir(parents=True, exist_ok=True)
  unfinished = output.with_name(f".{output.name}.unfinished-{os.getpid()}")
  try:
    with _quiet():
      tf.saved_model.save(module, str(unfinished), module.signatures())
    chosen = serving.choose(encoders)
    reference = _reference(module, chosen)
    _check_reloaded(unfinished, module, reference)
    np.savez(unfinished / export_format.GOLDEN_NAME, **reference)
    description = _describe(module, chosen, experiment, step)
    export_format.write_description(description, unfinished)
    export_format.synchronise(unfinished)
    unfinished.rename(output)
    export_format.synchronise_one(output.parent)
  finally:
    shutil.rmtree(unfinished, ignore_errors=True)
  logging.info(
    "%s answers %s; reloaded outputs equal those of the run.",
    output,
    ", ".join(module.inputs),
  )


def _reference(module, encoders):
  """Returns the in-process outputs of every signature's golden request."""
  outputs = {}
  for signature, required in module.inputs.items():
    request = export_format.golden_request(signature, required.longest)
    encoder = encoders[serving.modality_of(signature)]
    values = encoder(serving.network_input(signature, request, encoder.spec))
    for name, value in values.items():
      outputs[f"{signature}/{name}"] = value.numpy()
  return outputs


def _check_reloaded(folder, module, reference):
  reloaded = tf.saved_model.load(str(folder))
  for signature, required in module.inputs.items():
    request = export_format.golden_request(signature, required.longest)
    outputs = reloaded.signatures[signature](
      **{required.name: tf.constant(request)}
    )
    for name, value in outputs.items():
      expected = reference[f"{signature}/{name}"]
      error = float(np.max(np.abs(value.numpy() - expected)))
      allowed = TOLERANCE * max(1.0, float(np.max(np.abs(expected))))
      if not error <= allowed:  # also NaN
        raise ValueError(
          f"the reloaded signature `{signature}` differs from the run in"
          f" `{name}` by {error:.1e} (allowed {allowed:.1e}); nothing was"
          " exported. Are the run's weights finite?"
        )


def _describe(module, encoders, experiment, step):
  method = type(experiment.method)
  return {
    "format": export_format.FORMAT,
    "format_version": export_format.FORMAT_VERSION,
    "method": f"{method.__module__}.{method.__qualname__}",
    "step": step,
    "tensorflow": tf.__version__,
    "max_batch_size": module.max_batch_size,
    "serving_default": module.default_signature,
    "signatures": {
      name: {
        "input": required.name,
        "dtype": required.dtype.name,
        "shape": list(required.shape),
        "extra_samples": required.extra_samples,
        "range": [required.low, required.high],
        "outputs": module.output_dims[name],
      }
      for name, required in module.inputs.items()
    },
    "video": _describe_video(encoders.get("video"), experiment),
    "audio": _describe_audio(encoders.get("audio")),
  }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Hides what TensorFlow logs of names and of the temporary folder."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    yield
  finally:
    logging.set_verbosity(verbosity)


def _describe_video(encoder, experiment):
  if encoder is None:
    return None
  spec = encoder.spec
  rate_hz = views.FRAME_RATE_HZ
  return {
    "num_frames": spec.num_frames,
    "record_frame_rate_hz": rate_hz,
    "frame_step": spec.frame_step,
    "frame_rate_hz": rate_hz / spec.frame_step,
    "seconds": spec.num_frames * spec.frame_step / rate_hz,
    "record_short_side": _record_short_side(experiment),
    "short_side": max(experiment.svm.test_short_side, spec.image_size),
    "image_size": spec.image_size,
  }


def _record_short_side(experiment):
  """Returns the size of the training frames: resizing twice is not once."""
  try:
    manifest = schema.load_manifest(experiment.data.train_records)
  except (FileNotFoundError, ValueError):
    logging.info(
      "the training records are gone; short side %d px is assumed.",
      _USUAL_SHORT_SIDE,
    )
    return _USUAL_SHORT_SIDE
  return manifest.config.get("short_side", _USUAL_SHORT_SIDE)


def _describe_audio(encoder):
  if encoder is None:
    return None
  return {
    "sample_rate_hz": encoder.spec.spectrogram.sample_rate_hz,
    "num_samples": serving.num_samples(encoder.spec),
    "extra_samples": serving.extra_samples(encoder.spec),
    "seconds": encoder.spec.seconds,
  }
