"""What is written beside the SavedModel, without any model."""

import json

import numpy as np
import pytest

from tfvssl.export import description


def _signature(dtype, shape, outputs, **changes):
  return {
    "input": "video",
    "dtype": dtype,
    "shape": shape,
    "extra_samples": 0,
    "range": [0, 1],
    "outputs": outputs,
    **changes,
  }


def _described(**changes):
  return {
    "format": description.FORMAT,
    "format_version": description.FORMAT_VERSION,
    "method": "package.Method",
    "step": 12,
    "max_batch_size": 4,
    "serving_default": "video",
    "signatures": {
      "video": _signature(
        "float32", [4, 16, 16, 3], {"backbone": 32, "embedding": 8}
      )
    },
    "video": None,
    "audio": None,
    **changes,
  }


def test_written_description_is_the_one_that_is_read(tmp_path):
  (tmp_path / "variables").mkdir()
  (tmp_path / "variables" / "data").write_bytes(b"weights")
  description.write_description(_described(), tmp_path)
  found = description.load_description(tmp_path)
  files = found.pop("files")
  assert found == _described()
  assert files == {
    # printf weights | sha256sum
    "variables/data": (
      "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"
    ),
    "README.md": files["README.md"],
  }
  (tmp_path / "variables" / "data").write_bytes(b"Weights")
  with pytest.raises(
    ValueError, match="variables/data is not the file that was exported"
  ):
    description.load_description(tmp_path)


def test_identity_tells_exports_apart(tmp_path):
  with pytest.raises(FileNotFoundError, match="make an export with tfvssl"):
    description.identity(tmp_path)
  description.write_description(_described(), tmp_path)
  first = description.identity(tmp_path)
  assert len(first) == 64 and set(first) <= set("0123456789abcdef")
  assert description.identity(tmp_path) == first
  description.write_description(_described(step=13), tmp_path)
  assert description.identity(tmp_path) != first


@pytest.mark.parametrize(
  "change",
  [{"files": None}, {"format": None, "files": {}}, {"format_version": 1}],
)
def test_other_formats_are_refused(tmp_path, change):
  path = tmp_path / "signature.json"
  path.write_text(json.dumps(_described(**{"files": {}, **change})))
  with pytest.raises(ValueError, match="signature.json (cannot be|has format)"):
    description.load_description(tmp_path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", "gone"])
def test_files_outside_of_the_folder_are_lacking(tmp_path, name):
  path = tmp_path / "signature.json"
  path.write_text(json.dumps(_described(files={name: "0"})))
  with pytest.raises(ValueError, match=f"lacks the file '{name}'"):
    description.load_description(tmp_path)


def test_golden_bytes_are_those_of_the_rule():
  # 2654435761 i mod 2**32, the upper 8 of 32 bits.
  expected = [(2654435761 * i) % 2**32 // 2**24 for i in range(12)]
  pixels = description.golden_request("video_uint8", (2, 3))
  assert pixels.dtype == np.uint8
  assert pixels.ravel().tolist() == expected
  assert expected[:4] == [0, 158, 60, 218]
  scaled = description.golden_request("image", (2, 3))
  assert scaled.dtype == np.float32
  np.testing.assert_allclose(scaled.ravel(), np.array(expected) / 255)
  sound = description.golden_request("audio", (4,), clips=3)
  np.testing.assert_array_equal(sound.ravel(), np.array(expected) / 128 - 1)
  assert sound.shape == (3, 4)


def test_golden_sentences_hold_none_one_and_several_words():
  words = [f"w{i}" for i in range(15)]
  assert description.golden_sentences(words) == [
    "",
    "w14",
    "w0 w2 w4 w6 w8 w10 w12 w14",
  ]
  assert description.golden_sentences(["a", "b"], 3) == ["", "b", "a a b"]
  assert description.golden_sentences([]) == [""]


def test_spaces_are_the_outputs_with_a_name_of_their_own():
  outputs = ["backbone", "embedding", "va", "vat", "before_head", "known_words"]
  assert description.spaces(outputs) == ["va", "vat"]


def test_card_says_what_each_signature_takes():
  sound = _signature(
    "float32",
    [24_000],
    {"backbone": 64, "embedding": 8, "va": 8, "vat": 4},
    input="waveform",
    extra_samples=960,
    range=[-1.0, 1.0],
  )
  text = _signature(
    "string", [], {"backbone": 5, "embedding": 4}, input="words", range=None
  )
  card = description.card(
    _described(signatures={"audio": sound, "text": text})
  ).splitlines()
  assert card[0] == "# package.Method, step 12"
  assert (
    "| `audio` | `waveform` | float32 | [batch, 24000 or 24960] | -1 to 1 |"
  ) in card
  assert "| `text` | `words` | string | [batch] | UTF-8 |" in card
  assert "- `audio`: `va` [batch, 8], `vat` [batch, 4]" in card


def test_card_says_how_inputs_are_prepared():
  video = {
    "num_frames": 8,
    "frame_rate_hz": 12.5,
    "seconds": 0.64,
    "record_short_side": 64,
    "short_side": 44,
    "image_size": 40,
  }
  text = {"max_words": 16, "vocabulary_size": 100}
  card = description.card(
    _described(video=video, text=text, image={"network": "repeated"})
  )
  assert "Video: 8 frames at 12.5 per second (0.64 s)" in card
  assert "to 64 px, then bilinearly, without antialiasing, to 44 px" in card
  assert "centre 40 x 40; RGB." in card
  assert "at most 16 words of a sentence are read" in card
  assert "by a vocabulary of 100 words" in card
  assert "as films in which nothing moves." in card
  assert "Sound:" not in card
