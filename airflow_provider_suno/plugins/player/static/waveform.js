// The waveform of a kept file, drawn behind the position's slider. The library is loaded when it is needed.

const LARGEST = 64 * 1024 * 1024; // bytes
const LONGEST = 20 * 60; // seconds; decoding takes about 0.35 MB for each

let wave = null;
let drawing = new AbortController();

/**
 * Draw the waveform of a file of this origin, which `audio` plays; `done` is called once it is there.
 *
 * `seconds` is the track's length if it is known. Long and large files get none.
 */
export async function drawWave(container, audio, url, seconds, done) {
  clearWave();
  if (seconds > LONGEST) return;
  const mine = new AbortController();
  drawing = mine;
  try {
    const { default: WaveSurfer } = await import("./vendor/wavesurfer-7.12.12.esm.js");
    const blob = await download(url, mine);
    if (!blob) return;
    const peaks = await peaksOf(blob);
    if (mine.signal.aborted || !container.isConnected) return;
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
    if (!mine.signal.aborted) clearWave(); // the flat bar does as well
  }
}

/** Return a whole file, or null if it is too large or does not say how large it is. */
async function download(url, controller) {
  // Browsers ask for no compression with a range; compressed answers would not say how large they are.
  const reply = await fetch(url, { credentials: "same-origin", headers: { Range: "bytes=0-" }, signal: controller.signal });
  const size = Number(reply.headers.get("Content-Length") ?? Infinity);
  if (reply.ok && size <= LARGEST) return reply.blob();
  controller.abort();
  return null;
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

/** Remove what was drawn, and give up what is being drawn, together with its download. */
export function clearWave() {
  drawing.abort();
  wave?.destroy();
  wave = null;
}
