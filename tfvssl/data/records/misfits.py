"""What is wrong where records and a view do not suit each other."""

from tfvssl import views
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.runtime import storage


def check_flow_size(
  folder: storage.Path, stored: int, spec: views.FlowViewSpec
) -> None:
  """Raises ValueError where a view would resize the fields.

  Their values count pixels of the size they were computed at.

  Args:
    folder: of the records.
    stored: short side of the fields there, in pixels.
    spec: of the view.
  """
  if spec.resize_short_side != stored:
    raise ValueError(
      f"`resize_short_side` ({spec.resize_short_side}) of a flow view must be"
      f" the short side of the flow in {folder} ({stored}); set it to"
      f" {stored}, or prepare the records again with"
      f" --flow_short_side={spec.resize_short_side}."
    )


def of_spectrogram(
  folder: storage.PathLike,
  manifest: manifest_lib.Manifest,
  spec: views.ViewSpec,
) -> str:
  """Returns why packed spectrograms are not those of a view."""
  packed = manifest.config.get("spectrogram")
  packed = packed if isinstance(packed, dict) else {}
  differences = ", ".join(
    f"{name} {packed.get(name)} instead of {value}"
    for name, value in spec.packed_spectrogram.to_manifest().items()
    if packed.get(name) != value
  )
  return (
    f"the spectrograms packed in {folder} are not those of the view's"
    f" `spectrogram` ({differences}), and there is no sound to compute them"
    " from; use the packed settings, or prepare the records again with"
    " audio among the --modalities."
  )


def of_absent(
  folder: storage.PathLike, count: int, silent: int, word: str
) -> str:
  """Returns why records are refused of which no clip holds a modality.

  Args:
    folder: of the records.
    count: of the usable clips.
    silent: clips whose sound counts as none.
    word: of the modality.
  """
  remedy = (
    "captions (--captions, or the column `caption` of the csv)"
    if word == views.Modality.TEXT.value
    else f"{word} among the --modalities"
  )
  if silent and word in manifest_lib.SOUND:
    remedy += f", or set `data.use_silent_sound`, as the sound of {silent}"
    remedy += " is silent"
  return (
    f"none of the {count} usable clips of {folder} holds {word};"
    f" leave its view out, or prepare the videos with {remedy}."
  )
