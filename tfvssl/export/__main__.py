"""Writes the encoders of a trained run as a SavedModel.

  python -m tfvssl.export --workdir=RUN --output=EXPORT

Signatures: video (float in [0, 1]; also serving_default), video_uint8,
frames_jpeg (JPEG files) and, where the run has such encoders, audio (a
waveform) and text (sentences; the vocabulary is inside). With --image also
image_uint8 and image (float): `naive` puts an image through the video network
with its kernels summed over time, `trained` after tfvssl.deflate too,
`repeated` through the video network itself, as a film in which nothing moves.
Outputs: backbone and embedding; of MMV also before_head, which is backbone,
and the spaces va, vat. The model is EXPORT/1, where TF Serving looks for it,
and appears by one rename, after it was loaded back and gave the outputs of the
run. --output=EXPORT/2 adds a version; --model=EXPORT is the newest one.
"""

from collections.abc import Sequence

from absl import flags
from absl import logging

from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import places
from tfvssl.runtime import storage

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of tfvssl.train.")
_OUTPUT = flags.DEFINE_string(
  "output", None, "Folder to make; it must not exist or be empty."
)
_MAX_BATCH_SIZE = flags.DEFINE_integer(
  "max_batch_size", 256, "Clips that one request may hold.", lower_bound=1
)
_IMAGE = flags.DEFINE_enum(
  "image",
  "none",
  ["none", "naive", "trained", "repeated"],
  "Whether still images are taken, and by which network.",
)


def main(argv: Sequence[str]) -> int:
  """Exports the run of --workdir and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not _WORKDIR.value or not _OUTPUT.value:
    raise ValueError(
      "--workdir and --output are needed; for example --workdir=RUN"
      " --output=EXPORT"
    )
  output = places.check_free(storage.Path(_OUTPUT.value))
  # Loads TensorFlow: after every check that needs none.
  from tfvssl.deflate import networks
  from tfvssl.export import writer
  from tfvssl.train import weights

  logging.set_verbosity(logging.INFO)
  try:
    experiment, method, step = weights.load_method(_WORKDIR.value)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  writer.export(
    method.encoders(),
    output,
    experiment=experiment,
    step=step,
    max_batch_size=_MAX_BATCH_SIZE.value,
    image=networks.Image(_IMAGE.value),
    workdir=storage.Path(_WORKDIR.value),
  )
  binary.print_next(
    "tfvssl.embed",
    f"--model={output}",
    "--input=FOLDER",
    "--output=embeddings.npz",
  )
  return exit_codes.OK


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
