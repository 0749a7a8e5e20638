// Clips in sight play without sound; a click gives one of them its sound.
const clips = [...document.querySelectorAll('video')];
const watch = new IntersectionObserver(entries => entries.forEach(entry =>
  entry.isIntersecting ? entry.target.play().catch(() => {})
                       : entry.target.pause()));
clips.forEach(clip => {
  clip.controls = false;
  watch.observe(clip);
  clip.parentElement.onclick = () => {
    const on = clip.muted;
    clips.forEach(other => { other.muted = true;
      other.parentElement.classList.remove('sounding'); });
    if (on) { clip.muted = false; clip.currentTime = 0; clip.play();
      clip.parentElement.classList.add('sounding'); }
  };
});
