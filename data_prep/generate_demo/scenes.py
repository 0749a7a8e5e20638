"""Pictures and sound of the demo's clips: eight motions with their sounds.

A clip is a class, a frequency and a running phase; these persist over the
whole clip and are all that its sound and its pictures share. At every cut the
colours, textures, shape, size, place and camera pan are drawn again, without
regard to the class: this invariance is designed, so that no colour histogram
and no mean image tells the classes apart. Every class is its own mirror
image, since views are flipped at random.

A clip with a caption shows one object of one colour and shape in all its
shots; the caption names colour, shape, motion and sound.
"""

import dataclasses
import functools
import math

import numpy as np

CLASSES = (
  "blink",
  "bob",
  "circle",
  "diagonal",
  "pulse",
  "rock",
  "squash",
  "sway",
)
FRAME_RATE_HZ = 25
SAMPLE_RATE_HZ = 16_000
FRAME_SIZE = 64  # pixels, height and width
FRAMES_PER_SHOT = 48
POOL_SIZE = 8  # bright textures, and as many dark ones
_TEXTURE_SIZE = 128  # pixels; textures repeat

COLOURS = {
  "red": (1.0, 0.15, 0.1),
  "yellow": (1.0, 0.9, 0.1),
  "green": (0.1, 0.85, 0.2),
  "cyan": (0.1, 0.85, 0.95),
  "blue": (0.2, 0.3, 1.0),
  "pink": (1.0, 0.35, 0.8),
}
SHAPES = {"diamond": 1.0, "disc": 2.0, "box": 6.0}
# What each class does, and how it sounds.
_VERBS = {
  "blink": ("blinks", "hisses"),
  "bob": ("bobs", "whistles"),
  "circle": ("circles", "chirps"),
  "diagonal": ("slides", "beeps"),
  "pulse": ("pulses", "buzzes"),
  "rock": ("rocks", "honks"),
  "squash": ("stretches", "warbles"),
  "sway": ("sways", "wails"),
}
_HARMONICS = 6


@dataclasses.dataclass
class Shot:
  """What is drawn again at every cut.

  Attributes:
    object_texture: index into the pool of textures.
    background_texture: index into the pool of textures.
    shape: exponent of the outline |x|^e + |y|^e = 1: rhombus, disc, box.
    radius_px: half the object's longer side, at rest.
    centre_px: (x, y) of the place it moves about.
    amplitude: strength of the motion, as a share of the full one.
    tilt: angle at rest, radians.
    offset_px: (x, y) of the background at the start of the shot.
    pan_px: (x, y) that the background moves per frame.
  """

  object_texture: int
  background_texture: int
  shape: float
  radius_px: float
  centre_px: tuple[float, float]
  amplitude: float
  tilt: float
  offset_px: tuple[float, float]
  pan_px: tuple[float, float]


@dataclasses.dataclass
class Scene:
  """One clip.

  Attributes:
    direction: +-1, the sense of a circle or a diagonal.
    colour: word for that of the object, of COLOURS; empty for any.
    caption: what is seen and heard; empty without a colour.
  """

  label: str
  frequency_hz: float
  phase: float
  direction: int
  pitch_hz: float
  noise: float
  shots: list[Shot]
  colour: str = ""
  caption: str = ""

  @property
  def num_frames(self) -> int:
    """Frames of the whole clip."""
    return FRAMES_PER_SHOT * len(self.shots)


@dataclasses.dataclass
class Pose:
  """Where the object is; arrays float32 [T].

  Attributes:
    x: to the right, in units of the motion's reach.
    y: downwards, in the same unit.
    width: factor on the size at rest.
    height: factor on the size at rest.
    angle: radians.
    opacity: 0 to 1.
  """

  x: np.ndarray
  y: np.ndarray
  width: np.ndarray
  height: np.ndarray
  angle: np.ndarray
  opacity: np.ndarray


def draw_scene(label: str, num_shots: int, rng: np.random.Generator) -> Scene:
  """Returns a scene of the class; everything else comes from `rng`.

  Raises:
    ValueError: `label` is not one of CLASSES.
  """
  if label not in CLASSES:
    raise ValueError(
      f"`label` ({label}) is not a class of the demo; known:"
      f" {', '.join(CLASSES)}."
    )
  return Scene(
    label=label,
    frequency_hz=rng.uniform(1.5, 2.5),
    phase=rng.uniform(0, 2 * math.pi),
    direction=int(rng.choice([-1, 1])),
    pitch_hz=rng.uniform(350, 500),
    noise=rng.uniform(0.0, 0.05),
    shots=[_draw_shot(rng) for _ in range(num_shots)],
  )


def with_caption(scene: Scene, rng: np.random.Generator) -> Scene:
  """Returns the scene with one object in all its shots, and its caption.

  The object is bright on dark, else its colour could not be seen.
  """
  colour = str(rng.choice(list(COLOURS)))
  shape = str(rng.choice(list(SHAPES)))
  moves, sounds = _VERBS[scene.label]
  shots = [
    dataclasses.replace(
      shot,
      shape=SHAPES[shape],
      object_texture=min(shot.object_texture, shot.background_texture),
      background_texture=max(shot.object_texture, shot.background_texture),
    )
    for shot in scene.shots
  ]
  return dataclasses.replace(
    scene,
    shots=shots,
    colour=colour,
    caption=f"a {colour} {shape} {moves} and {sounds}",
  )


def _draw_shot(rng):
  middle, reach = FRAME_SIZE / 2, FRAME_SIZE / 6
  bright, dark = rng.integers(POOL_SIZE), POOL_SIZE + rng.integers(POOL_SIZE)
  # As often bright on dark as dark on bright: else the mean image would show
  # where the object has been, and the histogram how large it is.
  object_texture, background_texture = rng.permutation([bright, dark])
  return Shot(
    object_texture=int(object_texture),
    background_texture=int(background_texture),
    shape=float(rng.choice([1.0, 2.0, 6.0])),
    radius_px=FRAME_SIZE * rng.uniform(0.18, 0.24),
    centre_px=tuple(middle + rng.uniform(-reach, reach, 2)),
    amplitude=rng.uniform(0.8, 1.0),
    tilt=rng.uniform(-0.4, 0.4),
    offset_px=tuple(rng.uniform(0, _TEXTURE_SIZE, 2)),
    pan_px=tuple(rng.uniform(-0.3, 0.3, 2)),
  )


def phases(scene: Scene, rate_hz: float, count: int) -> np.ndarray:
  """Returns the running phase at `count` instants, float64 [count], radians.

  Pictures and sound both follow it, so they have one frequency and one phase.
  """
  time_s = np.arange(count) / rate_hz
  return 2 * np.pi * scene.frequency_hz * time_s + scene.phase


def pose(scene: Scene, phase: np.ndarray) -> Pose:
  """Returns the object's pose at the phases [T], at full amplitude."""
  swing = np.sin(phase).astype(np.float32)
  rest, one = np.zeros_like(swing), np.ones_like(swing)
  result = Pose(rest, rest, one, one, rest, one)
  if scene.label == "blink":
    result.opacity = np.clip(0.5 + 1.5 * swing, 0, 1)
  elif scene.label == "bob":
    result.y = -swing
  elif scene.label == "circle":
    result.x = scene.direction * np.cos(phase).astype(np.float32)
    result.y = -swing
  elif scene.label == "diagonal":
    result.x = scene.direction * swing
    result.y = -swing
  elif scene.label == "pulse":
    result.width = result.height = 2 ** (0.7 * swing)
  elif scene.label == "rock":
    result.angle = 1.2 * scene.direction * swing
  elif scene.label == "squash":
    result.width, result.height = 2 ** (0.8 * swing), 2 ** (-0.8 * swing)
  else:
    result.x = scene.direction * swing
  return result


@functools.cache
def textures(seed: int) -> np.ndarray:
  """Returns the pool: bright textures first, then dark ones.

  An object is bright on dark or dark on bright, so that it can be seen;
  colours and patterns are otherwise free. uint8 [2 * POOL_SIZE, 128, 128, 3].
  """
  rng = np.random.default_rng([seed, 9])
  bright = [_texture(rng, 0.55, 1.0) for _ in range(POOL_SIZE)]
  dark = [_texture(rng, 0.05, 0.4) for _ in range(POOL_SIZE)]
  return np.stack(bright + dark)


def _texture(rng, darkest, brightest):
  size = _TEXTURE_SIZE
  y, x = np.mgrid[:size, :size] * (2 * np.pi / size)
  field = np.zeros([size, size])
  for _ in range(3):  # whole periods, so that the texture repeats seamlessly
    k_x, k_y = rng.integers(-6, 7, 2)
    field += np.sin(k_x * x + k_y * y + rng.uniform(0, 2 * np.pi))
  share = 1 / (1 + np.exp(-4 * field))[..., np.newaxis]
  first, second = (_colour(rng, darkest, brightest) for _ in range(2))
  return np.uint8(255 * (share * first + (1 - share) * second))


def _colour(rng, darkest, brightest):
  colour = rng.uniform(0, 1, 3)
  luma = colour @ [0.299, 0.587, 0.114]
  return np.clip(colour / luma * rng.uniform(darkest, brightest), 0, 1)


def render_frames(scene: Scene, pool: np.ndarray) -> np.ndarray:
  """Returns the clip's pictures, uint8 [T, 64, 64, 3].

  Args:
    scene: what to draw.
    pool: of `textures`.
  """
  poses = pose(scene, phases(scene, FRAME_RATE_HZ, scene.num_frames))
  frames = []
  for index, shot in enumerate(scene.shots):
    part = slice(index * FRAMES_PER_SHOT, (index + 1) * FRAMES_PER_SHOT)
    piece = Pose(
      **{
        field.name: getattr(poses, field.name)[part, np.newaxis, np.newaxis]
        for field in dataclasses.fields(poses)
      }
    )
    frames.append(_render_shot(shot, piece, pool, scene.colour))
  return np.concatenate(frames)


def _render_shot(shot, piece, pool, colour):
  """Returns uint8 [24, 64, 64, 3]; `piece` holds arrays [24, 1, 1]."""
  x, y, distance_px = _object_coordinates(shot, piece)
  mask = np.clip(0.5 - distance_px, 0, 1) * piece.opacity
  texel = (_TEXTURE_SIZE / 4 * np.stack([y, x])).astype(np.int32)
  rows, columns = texel % _TEXTURE_SIZE
  front = pool[shot.object_texture][rows, columns]
  if colour:  # the texture only shades it
    shade = front.max(axis=-1, keepdims=True).astype(np.float32)
    front = shade * np.array(COLOURS[colour], np.float32)
  back = _background(shot, pool[shot.background_texture])
  mask = mask[..., np.newaxis].astype(np.float32)
  return np.uint8(back + mask * (front.astype(np.float32) - back))


def _object_coordinates(shot, piece):
  """Returns x, y in the object's own frame, and the distance to its edge."""
  reach = shot.amplitude * FRAME_SIZE * 0.2
  grid = np.arange(FRAME_SIZE, dtype=np.float32)
  x = grid - (shot.centre_px[0] + reach * piece.x)
  y = grid[:, np.newaxis] - (shot.centre_px[1] + reach * piece.y)
  angle = shot.tilt + shot.amplitude * piece.angle
  cosine, sine = np.cos(angle), np.sin(angle)
  half_width = shot.radius_px * piece.width
  half_height = 0.7 * shot.radius_px * piece.height
  x, y = (
    (cosine * x + sine * y) / half_width,
    (cosine * y - sine * x) / half_height,
  )
  x_abs, y_abs = np.abs(x), np.abs(y)
  if shot.shape == 1.0:
    outline = x_abs + y_abs
  elif shot.shape == 2.0:
    outline = np.sqrt(x * x + y * y)
  else:
    outline = np.maximum(x_abs, y_abs)
  return x, y, (outline - 1) * np.minimum(half_width, half_height)


def _background(shot, texture):
  frame = np.arange(FRAMES_PER_SHOT)[:, np.newaxis]
  grid = np.arange(FRAME_SIZE)
  columns = shot.offset_px[0] + frame * shot.pan_px[0] + grid
  rows = shot.offset_px[1] + frame * shot.pan_px[1] + grid
  picked = texture[
    rows.astype(np.int32)[:, :, np.newaxis] % _TEXTURE_SIZE,
    columns.astype(np.int32)[:, np.newaxis] % _TEXTURE_SIZE,
  ]
  return picked.astype(np.float32)


def render_sound(scene: Scene, rng: np.random.Generator) -> np.ndarray:
  """Returns the clip's sound, float32 [N] in [-1, 1], 16 kHz mono.

  Every class has its own contour (what the phase does to pitch, loudness and
  timbre); `rng` gives the background noise.
  """
  count = round(scene.num_frames / FRAME_RATE_HZ * SAMPLE_RATE_HZ)
  phase = phases(scene, SAMPLE_RATE_HZ, count)
  noise = rng.standard_normal(count)
  sound = _voice(scene, np.sin(phase), noise)
  sound = sound / np.sqrt(np.mean(sound**2))
  sound = 0.15 * sound + scene.noise * noise
  return np.clip(sound, -1, 1).astype(np.float32)


def _voice(scene, swing, noise):
  """Returns the sound of the class, float64 [N], for swing [N] in [-1, 1]."""
  pitch, flat = scene.pitch_hz, np.ones_like(swing)
  full, hollow = [1 / h for h in range(1, _HARMONICS + 1)], [1, 0, 0.5, 0, 0.3]
  if scene.label == "blink":
    return noise * np.clip(0.5 + 1.5 * swing, 0, 1)
  if scene.label == "bob":
    return _tone(pitch * 2**swing, [1])
  if scene.label == "circle":
    rising = _tone(pitch * 2 ** (0.7 * swing), [1])
    return rising + _tone(3 * pitch * 2 ** (-0.7 * swing), [1])
  if scene.label == "diagonal":
    return _tone(2 * pitch * flat, hollow) * np.abs(swing) ** 2
  if scene.label == "pulse":
    return _tone(pitch * flat, full) * (0.5 + 0.5 * swing) ** 1.5
  if scene.label == "rock":
    return _tone(pitch * np.where(swing > 0, 2.0, 1.25), hollow)
  if scene.label == "squash":
    open_share = 0.5 + 0.5 * swing
    return open_share * _tone(2 * pitch * flat, full) + (
      1 - open_share
    ) * _tone(0.5 * pitch * flat, [1])
  return _tone(2 * pitch * 2 ** (0.25 * swing), full)


def _tone(frequency_hz, weights):
  """Returns harmonics of a changing frequency [N], without phase jumps."""
  angle = 2 * np.pi * np.cumsum(frequency_hz) / SAMPLE_RATE_HZ
  return sum(
    weight * np.sin((index + 1) * angle)
    for index, weight in enumerate(weights)
    if weight
  )
