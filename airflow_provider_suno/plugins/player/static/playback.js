// What is played. It belongs to the page, not to a view of it, so it goes on while the viewer walks through Airflow.

import { getAbout, whyNotServed } from "./api.js";
import { SERVICE_KEEPS } from "./items.js";

/** Without crossOrigin: hosts that do not send CORS headers would play nothing otherwise. */
export const audio = new Audio();
audio.preload = "auto";

const nothing = {
  library: null,
  row: -1,
  item: null,
  track: null,
  source: null,
  playing: false,
  loading: false,
  trouble: null,
};
let state = nothing;
let sources = [];
let begun = 0;
const listeners = new Set();

export const playback = {
  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  now: () => state,
  isTrack: (item, track) => state.item?.id === item?.id && state.track?.index === track?.index,

  /** Play a track of an item; the first one that there is if no track is named. */
  play(library, row, item, track = item.tracks[0]) {
    begin(library, row, item, track);
  },

  toggle() {
    if (!state.item) return;
    if (!audio.paused) audio.pause();
    else if (state.trouble) begin(state.library, state.row, state.item, state.track);
    else resume();
  },

  seek(seconds) {
    if (!Number.isFinite(audio.duration)) return; // not known yet, or a stream, which has no end
    audio.currentTime = Math.min(Math.max(seconds, 0), audio.duration);
  },
  seekBy: (seconds) => playback.seek(audio.currentTime + seconds),

  next: () => move(1),
  previous() {
    if (audio.currentTime > 3) audio.currentTime = 0;
    else move(-1);
  },

  stop() {
    begun += 1;
    audio.removeAttribute("src");
    audio.load();
    if (navigator.mediaSession) navigator.mediaSession.metadata = null;
    set(nothing);
  },
};

function set(changes) {
  state = { ...state, ...changes };
  for (const listener of listeners) listener();
}

async function begin(library, row, item, track) {
  begun += 1;
  const mine = begun;
  if (!track) return;
  audio.pause();
  set({ library, row, item, track, source: null, playing: false, loading: true, trouble: null });
  const whole = await library.relate(item);
  const served = (await getAbout()).kept_files;
  if (mine !== begun) return;
  const now = whole.tracks.find((one) => one.index === track.index) ?? track;
  sources = sourcesOf(now, served);
  set({ item: whole, track: now });
  tell(whole, now);
  if (sources.length) tryNext();
  else set({ loading: false, trouble: whyNone(now, served) });
}

function sourcesOf(track, served) {
  const kept = served ? track.kept.map((file) => ({ url: file.url, kept: true })) : [];
  return [...kept, ...track.urls.filter(mayLoad).map((url) => ({ url, kept: false }))];
}

/** Browsers refuse http within https, except from this machine. */
function mayLoad(url) {
  const { protocol, hostname } = new URL(url);
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  return protocol === "https:" || location.protocol !== "https:" || isHere;
}

function whyNone(track, served) {
  if (track.urls.length) return "This page is https and the audio's address is http, so the browser refuses it.";
  if (track.kept.length && !served) {
    return "The file is kept, but the player may not serve it: no folder is set in [suno] player_roots.";
  }
  return "There is no address to play this track from.";
}

function tryNext() {
  const source = sources.shift();
  set({ source, loading: true });
  audio.src = source.url;
  resume();
}

async function resume() {
  try {
    await audio.play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return;
    set({ loading: false, playing: false, trouble: "The browser asks for a click: press play." });
  }
}

audio.addEventListener("error", async () => {
  const mine = begun;
  if (!state.source || !audio.hasAttribute("src")) return;
  // Foreign hosts are never asked what is wrong.
  const trouble = state.source.kept ? await whyNotKept(state.source.url) : whyNotSent();
  if (mine !== begun) return;
  if (sources.length) tryNext();
  else set({ playing: false, loading: false, trouble });
});

const whyNotKept = async (url) => (await whyNotServed(url)) ?? "The browser cannot play this file.";

function whyNotSent() {
  if (Date.now() - state.item.time > SERVICE_KEEPS) {
    return (
      "The service has probably deleted this file: it keeps files for about 14 days, some hosts for one. " +
      "Music that keep_at= keeps stays playable."
    );
  }
  return "The audio's host does not send this file: it was deleted, or the host cannot be reached.";
}

for (const name of ["play", "pause", "playing", "waiting", "ended"]) {
  audio.addEventListener(name, () => {
    if (!state.item) return;
    const trouble = name === "playing" ? null : state.trouble;
    set({ playing: !audio.paused && !audio.ended, loading: name === "waiting", trouble });
    if (name === "ended") move(1);
  });
}

/** Go to the track after this one, or before it, over the end of a music task to those beside it in the list. */
async function move(step) {
  const { library, item, track, row } = state;
  if (!item) return;
  const place = item.tracks.findIndex((one) => one.index === track.index) + step;
  if (item.tracks[place]) {
    begin(library, row, item, item.tracks[place]);
    return;
  }
  const mine = begun;
  let to = library.indexOf(item, row);
  if (to < 0) to = row;
  for (let found = null; !found; ) {
    to += step;
    found = await library.itemAt(to);
    if (!found || mine !== begun) return;
    if (found.tracks.length) begin(library, to, found, found.tracks.at(step > 0 ? 0 : -1));
    else found = null;
  }
}

/** Tell the system's media keys and its display. */
function tell(item, track) {
  const { mediaSession } = navigator;
  if (!mediaSession) return;
  // Without the cover: the browser would fetch it once more.
  mediaSession.metadata = new MediaMetadata({
    title: track.title ?? item.title ?? "Untitled",
    artist: item.personaName ?? item.entry.dag_id,
  });
  const actions = {
    play: playback.toggle,
    pause: playback.toggle,
    nexttrack: playback.next,
    previoustrack: playback.previous,
  };
  for (const [name, action] of Object.entries(actions)) mediaSession.setActionHandler(name, action);
}
