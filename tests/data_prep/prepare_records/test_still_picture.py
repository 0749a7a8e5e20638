"""Pictures of every awkward kind: the right pixels, or a reason."""

import base64
import pathlib
import random
import shutil
import struct

import numpy as np
import pytest
import tensorflow as tf

from data_prep.prepare_records import still_picture
from tfvssl.data.media import streams

# Made with Pillow: 24 x 16, squares of 8: cyan, magenta, yellow; black, white,
# half black.
CMYK = (
  "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDA"
  "wLCgsLDQ4SEA0OEQ4LCxAWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgAEAAYBEMRAE0RAFkR"
  "AEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAAKCf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2g"
  "AOBEMATQBZAEsAAD8AyqaptU2qaqhKuAqoSrgKqEq4CqgBlS//2Q=="
)


def _pixels(height=24, width=36) -> np.ndarray:
  """Returns a smooth picture, so that halved chroma changes little."""
  y, x = np.mgrid[0:height, 0:width]
  return np.stack(
    [
      255 * x / width,
      255 * y / height,
      127 + 120 * np.sin(x / 6),
    ],
    -1,
  ).astype(np.uint8)


def _save(path: pathlib.Path, pixels, **options) -> pathlib.Path:
  """Writes a PNG, or a JPEG where the name says so."""
  if path.suffix == ".png":
    content = tf.io.encode_png(pixels).numpy()
  else:
    options = {"quality": 95, "chroma_downsampling": False, **options}
    content = tf.io.encode_jpeg(pixels, **options).numpy()
  path.write_bytes(content)
  return path


def _shown(path) -> np.ndarray:
  """Returns what TensorFlow decodes."""
  return tf.io.decode_image(path.read_bytes(), channels=3).numpy()


def _decode(path, short_side=24, **choices) -> np.ndarray:
  return still_picture.decode(path, short_side=short_side, **choices)


def _error(found, expected) -> float:
  assert found.shape == expected.shape
  return float(np.abs(found.astype(int) - expected.astype(int)).mean())


def test_png_is_exact_and_jpeg_nearly(tmp_path):
  pixels = _pixels()
  png = _decode(_save(tmp_path / "a.png", pixels))
  np.testing.assert_array_equal(png, pixels)
  assert _error(_decode(_save(tmp_path / "a.jpg", pixels)), pixels) < 1.5
  progressive = _save(tmp_path / "b.jpg", pixels, progressive=True)
  assert _error(_decode(progressive), pixels) < 1.5


def test_content_decides_between_the_formats(tmp_path):
  pixels = _pixels()
  path = _save(tmp_path / "a.png", pixels).rename(tmp_path / "a.JPEG")
  np.testing.assert_array_equal(_decode(path), pixels)


@pytest.mark.parametrize("size", [(48, 72), (72, 48), (10, 15), (15, 10)])
def test_short_side_is_scaled(tmp_path, size):
  found = _decode(_save(tmp_path / "a.png", _pixels(*size)), 24)
  scale = 24 / min(size)
  expected = [round(size[0] * scale), round(size[1] * scale)]
  assert found.shape == (*expected, 3)
  reference = tf.image.resize(
    _pixels(*size), expected, "bicubic", antialias=True
  )
  assert _error(found, reference.numpy()) < 2


def test_grey_palette_and_sixteen_bits(tmp_path, make_clip):
  grey = _pixels()[..., :1]
  for name in ("grey.png", "grey.jpg"):
    found = _decode(_save(tmp_path / name, grey))
    assert _error(found, grey.repeat(3, -1)) < 1
  for channels in (1, 3):
    deep = _pixels()[..., :channels].astype(np.uint16) * 257
    found = _decode(_save(tmp_path / "deep.png", deep))
    assert _error(found, (deep // 257).repeat(3 // channels, -1)) < 1
  palette = make_clip(
    tmp_path / "palette.png",
    "-frames:v",
    "1",
    "-c:v",
    "png",
    "-pix_fmt",
    "pal8",
    video="testsrc2=size=36x24",
  )
  assert palette.read_bytes()[25] == 3  # the colour type of a palette
  np.testing.assert_array_equal(_decode(palette), _shown(palette))


def test_transparency_is_ignored(tmp_path):
  for channels in (1, 3):
    pixels = _pixels()[..., :channels]
    alpha = np.concatenate([pixels, _pixels()[..., 1:2]], -1)
    found = _decode(_save(tmp_path / "a.png", alpha))
    np.testing.assert_array_equal(found, pixels.repeat(3 // channels, -1))


def test_cmyk(tmp_path):
  path = tmp_path / "a.jpg"
  path.write_bytes(base64.b64decode(CMYK))
  found = _decode(path, 16)
  assert found.shape == (16, 24, 3)
  squares = found.reshape(2, 8, 3, 8, 3).mean((1, 3))
  expected = [
    [(0, 255, 255), (255, 0, 255), (255, 255, 0)],
    [(0, 0, 0), (255, 255, 255), (127, 127, 127)],
  ]
  np.testing.assert_allclose(squares, expected, atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_honoured(tmp_path, orientation):
  pixels = _pixels()
  turned = {  # EXIF 2.3, tag 0x0112: where row 0 and column 0 are
    1: pixels,
    2: pixels[:, ::-1],
    3: pixels[::-1, ::-1],
    4: pixels[::-1],
    5: pixels.swapaxes(0, 1),
    6: pixels.swapaxes(0, 1)[:, ::-1],
    7: pixels.swapaxes(0, 1)[::-1, ::-1],
    8: pixels.swapaxes(0, 1)[::-1],
  }[orientation]
  path = _save(tmp_path / "a.jpg", pixels)
  content = path.read_bytes()
  path.write_bytes(content[:2] + _exif(orientation) + content[2:])
  assert _error(_decode(path), turned) < 1.5


def _exif(orientation):
  """Returns the segment of a JPEG that holds one tag."""
  tag = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
  body = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + tag + bytes(4)
  return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _reason(path, **choices):
  with pytest.raises(streams.MediaError) as caught:
    _decode(path, **choices)
  return caught.value.reason


def test_every_truncation_has_a_reason(tmp_path):
  noise = np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8)
  for kind in ("jpg", "png"):
    path = _save(tmp_path / f"a.{kind}", noise)
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.995):
      path.write_bytes(whole[: int(share * len(whole))])
      reasons = ("truncated", "damaged", "unreadable")
      assert _reason(path) in reasons, (kind, share)


def test_damage_has_a_reason(tmp_path):
  noise = np.random.default_rng(0).integers(0, 256, (96, 144, 3), np.uint8)
  path = _save(tmp_path / "a.jpg", noise)
  whole, rng = path.read_bytes(), random.Random(0)
  damaged = bytearray(whole)
  for _ in range(30):
    damaged[rng.randrange(700, len(whole))] = rng.randrange(256)
  path.write_bytes(bytes(damaged))
  assert _reason(path) == "damaged"
  png = _save(tmp_path / "a.png", noise)
  content = bytearray(png.read_bytes())
  content[len(content) // 2] ^= 4
  png.write_bytes(bytes(content))
  assert _reason(png) == "damaged"


def test_what_is_no_picture_has_a_reason(tmp_path):
  for name, content, reason in (
    ("empty.jpg", b"", "empty_file"),
    ("text.jpg", b"no picture", "not_media"),
    ("list.png", b"ffconcat version 1.0\nfile /etc/passwd\n", "not_media"),
    ("head.jpg", b"\xff\xd8\xff\xe0", None),
    ("head.png", b"\x89PNG\r\n\x1a\n", None),
  ):
    (tmp_path / name).write_bytes(content)
    found = _reason(tmp_path / name)
    assert found == reason or reason is None
    assert found in ("empty_file", "not_media", "damaged", "unreadable")
  (tmp_path / "folder.jpg").mkdir()
  assert _reason(tmp_path / "folder.jpg") == "unreadable"
  (tmp_path / "gif.png").write_bytes(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")
  assert _reason(tmp_path / "gif.png") == "not_media"


def test_pictures_that_are_or_become_too_large(tmp_path):
  path = _save(tmp_path / "a.png", _pixels())
  padded = 24 * 64  # ffmpeg counts lines of whole blocks
  assert _reason(path, max_pixels=padded - 1) == "too_large"
  assert _decode(path, max_pixels=padded).shape == (24, 36, 3)
  thin = _save(tmp_path / "b.png", np.zeros((1, 4000, 3), np.uint8))
  with pytest.raises(
    streams.MediaError,
    match="at short side 256 its long side is more than 65500",
  ):
    _decode(thin, 256)
  assert _decode(thin, 1).shape == (1, 4000, 3)


def test_names_that_look_like_patterns(tmp_path):
  whole = _save(tmp_path / "a.png", _pixels())
  for name in ("%03d.png", "x:y.png", "-i.png", "*.png", "concat:a|b.png"):
    shutil.copyfile(whole, tmp_path / name)
    np.testing.assert_array_equal(_decode(tmp_path / name), _pixels())


def test_files_of_the_shared_data(data_dir):
  paths = sorted((data_dir / "images").glob("*.jpg"))
  if not paths:
    pytest.skip(f"no pictures in {data_dir}/images")
  for path in paths:
    expected = _shown(path)
    found = _decode(path, min(expected.shape[:2]))
    assert _error(found, expected) < 1.5
