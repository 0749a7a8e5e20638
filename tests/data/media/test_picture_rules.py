"""Square pixels, whole pictures, true colours, and progressive ones as before.

The sound's choices, which have the same version, are in test_sound.py.
"""

import subprocess

import numpy as np
import pytest

from tests.data.media import films
from tfvssl.data.media import ffmpeg
from tfvssl.data.media import header
from tfvssl.data.media import picture_rules
from tfvssl.data.media import streams

_MPEG4 = ("-c:v", "mpeg4", "-qscale:v", "2")


def _read(path, **options):
  """Returns the frames at their own size, and the remarks."""
  remarks: list[str] = []
  frames = streams.stream_frames(
    path,
    header.probe(path),
    remarks=remarks,
    **({"short_side": None} | options),
  )
  return np.stack(list(frames)), remarks


def _extent(mask):
  """Returns how many columns and lines of a picture hold something."""
  return int(mask.any(axis=0).sum()), int(mask.any(axis=1).sum())


@pytest.mark.parametrize(
  ("name", "codec"),
  [
    ("a.mp4", films.H264),
    ("a.ts", films.MPEG2),
    ("a.mkv", ("-c:v", "ffv1")),
    ("a.avi", _MPEG4),
  ],
)
def test_a_circle_of_anamorphic_pictures_is_stored_round(tmp_path, name, codec):
  # Stored 22 wide and 32 high, pixels 16:11 wide: 32 by 32 on a screen.
  disc = "255*lt(hypot((X+.5-36)/11,(Y+.5-24)/16),1)"
  films.run(
    *("-f", "lavfi", "-i", "color=size=72x48:rate=25:duration=0.4"),
    *("-vf", f"format=yuv420p,geq=lum='{disc}':cb=128:cr=128,setsar=16/11"),
    *(*codec, f"file:{tmp_path / name}"),
  )
  info = header.probe(tmp_path / name)
  # MPEG-2 has no 16:11 but the shape of the whole picture, 4:3 for instance.
  width = round(72 * info.look.pixel_aspect)
  assert (info.width, info.height) == (width, 48)
  frames, remarks = _read(tmp_path / name)
  assert frames.shape == (10, 48, width, 3)
  columns, lines = _extent(frames[5, ..., 0] > 127)
  wanted = 22 / 32 * info.look.pixel_aspect
  assert columns / lines == pytest.approx(wanted, abs=0.05)
  if codec != films.MPEG2:
    assert (wanted, width) == (pytest.approx(1.0), 105)
  (remark,) = remarks
  assert "times as wide as high; stored with square ones" in remark
  # The short side is that of the square pixels.
  assert _read(tmp_path / name, short_side=24)[0].shape[1:3] == (
    24,
    round(width / 2),
  )


def test_the_shape_of_pixels_turns_with_the_picture(tmp_path):
  plain, turned = tmp_path / "a.mp4", tmp_path / "b.mp4"
  args = ("-vf", "setsar=2", *films.H264)
  films.make(plain, *args, seconds=0.2, sound=False)
  films.run("-display_rotation", "90", "-i", plain, "-c", "copy", turned)
  assert (header.probe(plain).width, header.probe(plain).height) == (128, 48)
  assert _read(turned)[0].shape[1:3] == (128, 48)


def test_a_shape_that_cannot_be_is_not_believed(tmp_path):
  path = tmp_path / "a.mp4"
  args = ("-vf", "setsar=6", *films.H264)
  films.make(path, *args, seconds=0.2, sound=False)
  frames, remarks = _read(path)
  assert frames.shape[1:3] == (48, 64)
  assert remarks == [
    "pixels 6 times as wide as high are not believed; taken as square"
  ]


def _rgb(y, cb, cr, red, blue):
  """Returns R, G, B of a colour of limited range.

  `red` and `blue` are the weights of luma: 0.2126 and 0.0722 of BT.709, 0.299
  and 0.114 of BT.601 (ITU-R BT.709-6, item 3.2, and BT.601-7, 2.5.1).
  """
  luma = (y - 16) / 219
  r = luma + 2 * (1 - red) * (cr - 128) / 224
  b = luma + 2 * (1 - blue) * (cb - 128) / 224
  g = (luma - red * r - blue * b) / (1 - red - blue)
  return [255 * value for value in (r, g, b)]


@pytest.mark.parametrize(
  ("size", "tag", "weights", "is_chosen"),
  [
    ("64x720", "", (0.2126, 0.0722), True),
    ("64x718", "", (0.299, 0.114), False),
    ("64x720", "smpte170m", (0.299, 0.114), False),
    ("64x48", "bt709", (0.2126, 0.0722), False),
  ],
)
@pytest.mark.parametrize("codec", [films.H264, ("-c:v", "libx265")])
def test_colours_are_of_the_tagged_matrix_or_of_the_size(
  tmp_path, size, tag, weights, is_chosen, codec
):
  path = tmp_path / "a.mp4"
  tags = ("-vf", f"setparams=colorspace={tag}") if tag else ()
  films.run(
    *("-f", "lavfi", "-i", f"color=size={size}:rate=25:duration=0.08"),
    *("-filter_complex", "[0]format=yuv420p,lutyuv=y=120:u=90:v=170[a]"),
    *("-map", "[a]", "-c:v", "ffv1", f"file:{tmp_path / 'a.mkv'}"),
  )
  films.run("-i", tmp_path / "a.mkv", *tags, *codec, "-qp", "4", path)
  frames, remarks = _read(path)
  wanted = _rgb(120, 90, 170, *weights)
  # Two levels: one of the codec's, one of rounding; the matrices differ by 14.
  np.testing.assert_allclose(frames[0, 24, 32], wanted, atol=2)
  line = "pictures do not name their colour matrix; read as BT.709"
  assert remarks == [line] * is_chosen


@pytest.mark.parametrize(
  ("transfer", "name"), [("smpte2084", "PQ"), ("arib-std-b67", "HLG")]
)
def test_hdr_is_said_and_not_mapped(tmp_path, transfer, name):
  colours = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
  films.make(
    tmp_path / "a.mp4",
    *("-c:v", "libx265", "-pix_fmt", "yuv420p10le"),
    *("-x265-params", f"log-level=none:{colours}"),
    seconds=0.2,
    sound=False,
  )
  assert _read(tmp_path / "a.mp4")[1] == [
    f"pictures are HDR ({name}), stored without tone mapping"
  ]


def _combing(frames):
  """Returns how much more a line differs from the next than the one behind.

  Woven fields of a moving edge: the edge stands at two places in turn.
  """
  lines = frames[1:-1, ..., 1].astype(float)
  next_line = np.abs(lines[:, 1:-1] - lines[:, :-2]).mean()
  next_but_one = np.abs(lines[:, 2:] - lines[:, :-2]).mean()
  return next_line - next_but_one


@pytest.mark.parametrize(
  ("name", "codec"),
  [
    ("a.mp4", (*films.H264, "-x264opts", "tff=1")),
    ("a.ts", (*films.MPEG2, "-flags", "+ilme+ildct")),
    ("a.mov", ("-c:v", "prores_ks", "-flags", "+ildct")),
    # Whose header does not say it, but every frame does.
    ("a.avi", (*_MPEG4, "-flags", "+ilme+ildct")),
  ],
)
@pytest.mark.parametrize("rate", [25.0, 29.97])
def test_interlaced_pictures_are_made_whole(tmp_path, name, codec, rate):
  moving = "16+200*between(mod(X-6*T*50,64),0,24)"
  films.run(
    *("-f", "lavfi", "-i", "color=size=64x48:rate=50:duration=2"),
    "-vf",
    f"format=yuv420p,geq=lum='{moving}':cb=128:cr=128,"
    "tinterlace=interleave_top,setfield=tff",
    *(*codec, f"file:{tmp_path / name}"),
  )
  woven = _plain(tmp_path / name, rate)
  frames, remarks = _read(tmp_path / name, frame_rate_hz=rate)
  assert len(frames) == len(woven) == round(2 * rate)
  assert _combing(woven) > 10
  assert _combing(frames) < 0.5
  assert remarks == ["interlaced pictures are deinterlaced"]


def _plain(path, rate):
  """Returns the frames as the first version of the rules gave them."""
  info = header.probe(path)
  raw = subprocess.run(
    [
      *(ffmpeg.path(), "-v", "error", "-i", path, "-vf"),
      f"fps={rate},scale={info.width}:{info.height}"
      ":flags=bicubic+accurate_rnd+full_chroma_int+bitexact",
      *("-pix_fmt", "rgb24", "-f", "rawvideo", "-"),
    ],
    check=True,
    capture_output=True,
    timeout=60,
  ).stdout
  return np.frombuffer(raw, np.uint8).reshape(-1, info.height, info.width, 3)


@pytest.mark.parametrize(
  ("name", "codec"),
  [
    ("a.mp4", films.H264),
    ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime")),
    ("a.avi", _MPEG4),
    ("a.mkv", ("-c:v", "ffv1", "-pix_fmt", "rgb24")),
  ],
)
def test_progressive_pictures_are_the_bytes_they_were(tmp_path, name, codec):
  films.run(
    *("-f", "lavfi", "-i", "testsrc2=size=66x50:rate=30000/1001:duration=1.3"),
    *("-pix_fmt", "yuv420p", *codec, f"file:{tmp_path / name}"),
  )
  for rate in (25.0, 29.97):
    frames, remarks = _read(tmp_path / name, frame_rate_hz=rate)
    assert np.array_equal(frames, _plain(tmp_path / name, rate))
    assert not remarks


@pytest.mark.parametrize(
  ("line", "wanted"),
  [
    (
      "h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, top coded first"
      " (swapped), left), 1440x1080 [SAR 4:3 DAR 16:9], 25 fps",
      ("yuv420p", 1080, "bt709", "bt709", 4 / 3, True),
    ),
    (
      "dvvideo, 1 reference frame (dvsd / 0x64737664), yuv420p(topleft),"
      " 720x576 [SAR 16:15 DAR 4:3], 28800 kb/s, SAR 1:1 DAR 5:4, 25 fps",
      ("yuv420p", 576, "", "", 1.0, False),
    ),
    (
      "hevc (Main 10), yuv420p10le(tv, unknown/bt2020/smpte2084, progressive),"
      " 3840x2160, SAR 0:1, 25 fps",
      ("yuv420p10le", 2160, "", "smpte2084", 1.0, False),
    ),
    ("none (ABCD / 0x44434241), 64x48", ("", 0, "", "", 1.0, False)),
    ("h264", ("", 0, "", "", 1.0, False)),
  ],
)
def test_what_ffmpeg_prints_of_a_stream(line, wanted):
  look = picture_rules.parse(line)
  assert (
    look.pixel_format,
    look.lines,
    look.matrix,
    look.transfer,
    look.pixel_aspect,
    look.is_interlaced,
  ) == wanted
