// The waveform of a kept file, drawn behind the position's slider. The library is loaded when it is needed.

const LONGEST = 64 * 1024 * 1024; // bytes; decoding takes many times that

let wave = null;
let wanted = 0;

/** Draw the waveform of a file of this origin, which `audio` plays; `done` is called once it is there. */
export async function drawWave(container, audio, url, done) {
  clearWave();
  const mine = wanted;
  try {
    const { default: WaveSurfer } = await import("./vendor/wavesurfer-7.12.12.esm.js");
    const reply = await fetch(url, { credentials: "same-origin" });
    if (!reply.ok || Number(reply.headers.get("Content-Length")) > LONGEST) return;
    const blob = await reply.blob();
    if (mine !== wanted) return;
    const peaks = await peaksOf(blob);
    if (mine !== wanted || !container.isConnected) return;
    const colours = getComputedStyle(container);
    wave = WaveSurfer.create({
      container,
      media: audio,
      peaks: [peaks.values],
      duration: peaks.duration,
      height: 28,
      barWidth: 2,
      barGap: 1,
      barRadius: 1,
      cursorWidth: 0,
      normalize: true,
      interact: false,
      hideScrollbar: true,
      waveColor: colours.getPropertyValue("--suno-line-strong"),
      progressColor: colours.getPropertyValue("--suno-accent"),
    });
    done();
  } catch {
    clearWave(); // the flat bar does as well
  }
}

/** Return the loudest sample of each of some hundred parts of a file. */
async function peaksOf(blob, parts = 600) {
  const context = new OfflineAudioContext(1, 1, 8000);
  const buffer = await context.decodeAudioData(await blob.arrayBuffer());
  const samples = buffer.getChannelData(0);
  const length = Math.max(Math.floor(samples.length / parts), 1);
  const values = new Float32Array(Math.min(parts, samples.length));
  for (let index = 0; index < values.length; index += 1) {
    let most = 0;
    for (let at = index * length; at < (index + 1) * length; at += 1) most = Math.max(most, Math.abs(samples[at] ?? 0));
    values[index] = most;
  }
  return { values, duration: buffer.duration };
}

/** Remove what was drawn, and give up what is being drawn. */
export function clearWave() {
  wanted += 1;
  wave?.destroy();
  wave = null;
}
