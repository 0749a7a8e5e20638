"""Sends the first window of a video to an export behind TF Serving, by REST.

  python docs/serving_client.py EXPORT/1 VIDEO.mp4 http://HOST:8501/v1/models/NAME

Prints the embedding. Needs no TensorFlow: frames go as JPEG files, and the
server decodes, resizes and crops them.
"""

import base64
import json
import pathlib
import subprocess
import sys
import urllib.request

import imageio_ffmpeg


def request_body(export: str, video: str) -> dict:
  """Returns what is posted to MODEL:predict; the video must have pictures."""
  description = pathlib.Path(export, "signature.json").read_text("utf-8")
  view = json.loads(description)["video"]
  side = view["record_short_side"]
  scale = f"scale='if(gt(iw,ih),-2,{side})':'if(gt(iw,ih),{side},-2)'"
  rate = f"fps={view['record_frame_rate_hz']}"
  ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", video]
  mjpeg = ["-vf", f"{rate},{scale}", "-q:v", "2", "-f", "mjpeg"]
  seconds = ["-t", str(view["seconds"])]
  jpegs = subprocess.run(
    [*ffmpeg, *mjpeg, *seconds, "-"], stdout=subprocess.PIPE, check=True
  ).stdout
  end = b"\xff\xd9"  # of a JPEG file; inside, 0xff is followed by 0x00
  frames = [picture + end for picture in jpegs.split(end)[:-1]]
  places = (int(i * view["frame_step"]) for i in range(view["num_frames"]))
  window = [frames[place % len(frames)] for place in places]  # short ones loop
  encoded = [{"b64": base64.b64encode(frame).decode()} for frame in window]
  return {"signature_name": "frames_jpeg", "inputs": {"jpeg_bytes": [encoded]}}


if __name__ == "__main__":
  body = json.dumps(request_body(*sys.argv[1:3])).encode()
  with urllib.request.urlopen(f"{sys.argv[3]}:predict", body) as answer:
    print(json.load(answer)["outputs"]["embedding"][0])
