"""Silent sound is counted where records are made."""

import json

from tfvssl.data.records import manifest as manifest_lib


def test_silence_and_opposite_phases_are_counted(preparer, make_clip, tmp_path):
  wave = "0.5*sin(880*PI*t)"
  for name, sound in (
    ("loud", f"{wave}|{wave}"),
    ("nearly", "0.0009*sin(880*PI*t)|0.0009*sin(880*PI*t)"),
    ("opposite", f"{wave}|-{wave}"),
    ("silent", "0|0"),
  ):
    path = tmp_path / "in" / f"{name}.wav"
    make_clip(path, video=None, audio=f"aevalsrc={sound}:d=0.5:s=48000")
  output = tmp_path / "out"
  args = (f"--input={tmp_path / 'in'}", f"--output={output}", "--labels=none")
  assert preparer.run(*args, "--modalities=spectrogram") == 0, preparer.text()
  silent = ["nearly.wav", "opposite.wav", "silent.wav"]
  report = json.loads((output / "report.json").read_text())
  assert report["silent_clips"] == silent
  assert "3 clips have silent sound; it counts as none" in preparer.text()
  manifest = manifest_lib.load_manifest(output)
  assert sum(sum(shard.silent()) for shard in manifest.shards) == 3
  assert manifest.held(use_silent_sound=False).count(set()) == 3
