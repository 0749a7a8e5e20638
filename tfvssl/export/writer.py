"""Makes an export of encoders: SavedModel, description, card, self-test."""

from collections.abc import Iterator
import contextlib

from absl import logging
import numpy as np
import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.deflate import networks
from tfvssl.export import description as export_format
from tfvssl.export import inputs as serving_inputs
from tfvssl.export import jpeg
from tfvssl.export import module as serving
from tfvssl.methods import base
from tfvssl.methods import network_digest
from tfvssl.runtime import places
from tfvssl.runtime import storage
from tfvssl.runtime import unfinished as maker

# Reloaded against in-process, float32 on one machine, relative to the largest
# output where that is above 1; Grappler folds batch norm into convolutions.
TOLERANCE = 1e-5
_USUAL_SHORT_SIDE = 256  # default of data_prep.prepare_records


def export(
  encoders: dict[str, base.Encoder],
  output: storage.Path,
  *,
  experiment: config.Experiment,
  step: int,
  max_batch_size: int = serving.MAX_BATCH_SIZE,
  image: networks.Image = networks.Image.NONE,
  workdir: storage.PathLike = ".",
) -> None:
  """Writes the export; `output` appears only when all of it is right.

  Args:
    encoders: of one method; serving.choose takes those of sight, sound and
      text.
    output: see places.check_free; gets the folder `1`, as TF Serving finds
      versions by their numbers, unless its own name is a number.
    experiment: what the run was made of.
    step: of the checkpoint.
    max_batch_size: clips that one request may hold.
    image: whether and how images are taken.
    workdir: of the run, for its trained deflated network.

  Raises:
    FileNotFoundError: the vocabulary of the run is gone, or no deflated
      network was trained.
    TypeError: the video network has no deflated form.
    ValueError: nothing to export, no video network for images, `output` is
      taken, or the reloaded model does not give the outputs of `encoders`.
  """
  output = places.check_free(output)
  chosen = serving.choose(encoders)
  video = _describe_video(chosen.get("video"), experiment)
  module = serving.ServingModule(
    encoders,
    max_batch_size,
    _image_encoder(chosen, image, storage.Path(workdir)),
    video,
  )
  with maker.held(output), storage.new_folder(output) as folder:
    unfinished = folder if output.name.isdecimal() else folder / "1"
    unfinished.mkdir(exist_ok=True)
    with _quiet():
      tf.saved_model.save(module, str(unfinished), module.signatures())
    requests = _golden_requests(module)
    reference = _reference(module, requests)
    _check_reloaded(unfinished, module, requests, reference)
    if "text" in requests:
      reference["text/sentences"] = np.array(requests["text"], str)
    if serving_inputs.FRAMES_JPEG in requests:
      pictures = np.array(requests[serving_inputs.FRAMES_JPEG])
      reference[f"{serving_inputs.FRAMES_JPEG}/jpeg_bytes"] = pictures
    np.savez(unfinished / export_format.GOLDEN_NAME, **reference)
    about = _describe(module, chosen, experiment, step, image)
    export_format.write_description({**about, "video": video}, unfinished)
  logging.info(
    "%s answers %s; reloaded outputs equal those of the run.",
    output,
    ", ".join(module.inputs),
  )


def _image_encoder(encoders, image, workdir):
  """Returns the encoder of images, None where none are taken."""
  if image == networks.Image.NONE:
    return None
  if "video" not in encoders:
    raise ValueError(
      f"`image` ({image.value}) needs a video network; the run has"
      f" {', '.join(encoders)}. Export without images."
    )
  return networks.encoder(encoders["video"], image, workdir)


def _golden_requests(module):
  """Returns the fixed request of every signature."""
  requests: dict[str, list[str] | np.ndarray] = {}
  for name, required in module.inputs.items():
    if name == "text":
      words = module.tokens.vocabulary()
      requests[name] = export_format.golden_sentences(words)
    elif name == serving_inputs.FRAMES_JPEG:
      requests[name] = jpeg.golden_request(*required.shape)
    else:
      requests[name] = export_format.golden_request(name, required.longest)
  return requests


def _reference(module, requests):
  """Returns the in-process outputs of every signature's golden request."""
  return {
    f"{signature}/{name}": value.numpy()
    for signature, request in requests.items()
    for name, value in module.networks[signature](tf.constant(request)).items()
  }


def _check_reloaded(folder, module, requests, reference):
  reloaded = tf.saved_model.load(str(folder))
  for signature, required in module.inputs.items():
    outputs = reloaded.signatures[signature](
      **{required.name: tf.constant(requests[signature])}
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


def _describe(module, encoders, experiment, step, image):
  method = type(experiment.method)
  description = {
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
        "range": None
        if required.low is None
        else [required.low, required.high],
        "outputs": module.output_dims[name],
      }
      for name, required in module.inputs.items()
    },
    "audio": _describe_audio(encoders.get("audio")),
    "use_silent_sound": experiment.data.use_silent_sound,
    "networks": {
      name: network_digest.digest(encoder) for name, encoder in encoders.items()
    },
  }
  if module.tokens is not None:
    description["text"] = _describe_text(encoders["text"].spec, module.tokens)
  if image != networks.Image.NONE:
    description["image"] = {"network": image.value}
  return description


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
  return {
    "num_frames": spec.num_frames,
    "record_frame_rate_hz": spec.record_rate_hz,
    "frame_step": spec.frame_step,
    "frame_rate_hz": spec.frame_rate_hz,
    "seconds": spec.seconds,
    "record_short_side": _record_short_side(experiment),
    "short_side": max(experiment.svm.test_short_side, spec.image_size),
    "image_size": spec.image_size,
  }


def _record_short_side(experiment):
  """Returns the size of the training frames: resizing twice is not once."""
  try:
    manifest = manifest_lib.load_manifest(experiment.data.train_records)
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
    "sample_rate_hz": encoder.spec.sample_rate_hz,
    "num_samples": encoder.spec.num_samples,
    "extra_samples": encoder.spec.spectrogram.extra_samples,
    "seconds": encoder.spec.seconds,
  }


def _describe_text(spec, tokens):
  return {
    "max_words": spec.max_words,
    "vocabulary_format": spec.vocabulary_format.value,
    "vocabulary_size": len(tokens.vocabulary()),
  }
