// The bar at the bottom of the page: what is played, with its controls. It is no part of Airflow's page, so that it
// stays when the viewer goes elsewhere.

import { focusList } from "./focus.js";
import { coverOf, iconMarkup } from "./pictures.js";
import { audio, playback } from "./playback.js";
import { clearWave, drawWave } from "./waveform.js";
import { clock, spoken } from "./words.js";

const STEP = 5; // seconds

const MARKUP = `
<img class="suno-bar-cover" alt="" referrerpolicy="no-referrer">
<div class="suno-bar-words"><div class="suno-bar-title"></div><div class="suno-bar-note"></div></div>
<div class="suno-bar-controls">
  <button type="button" class="suno-icon" data-do="previous" aria-label="Previous track">${iconMarkup("previous")}</button>
  <button type="button" class="suno-icon suno-main" data-do="toggle" aria-label="Play" data-testid="suno-toggle"></button>
  <button type="button" class="suno-icon" data-do="next" aria-label="Next track">${iconMarkup("next")}</button>
</div>
<div class="suno-bar-line">
  <span class="suno-bar-time" data-testid="suno-time">0:00</span>
  <div class="suno-bar-seek">
    <div class="suno-wave" aria-hidden="true" data-testid="suno-wave"></div>
    <input type="range" min="0" max="0" value="0" step="any" aria-label="Position" data-testid="suno-position">
  </div>
  <span class="suno-bar-length">–:––</span>
</div>
<button type="button" class="suno-icon suno-bar-close" data-do="stop" aria-label="Stop and close the player">${iconMarkup("close")}</button>
<div class="suno-unseen" role="status" aria-live="polite"></div>`;

let bar;
let pages = 0;
const part = (selector) => bar.querySelector(selector);

function make() {
  bar = document.createElement("section");
  bar.className = "suno-bar suno-theme";
  bar.setAttribute("aria-label", "Suno player");
  bar.dataset.testid = "suno-bar";
  bar.innerHTML = MARKUP;
  bar.addEventListener("click", (event) => {
    const action = event.target.closest("[data-do]")?.dataset.do;
    if (action) playback[action]();
  });
  bar.addEventListener("keydown", onKey);
  const position = part("input");
  position.addEventListener("input", () => playback.seek(Number(position.value)));
  document.body.append(bar);
  bar.classList.toggle("suno-wide", pages > 0);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return; // Alt and an arrow go through the browser's history
  const onButton = event.target.closest("button, a");
  if (event.key === " " && !onButton) playback.toggle();
  else if (event.key === "ArrowLeft" || event.key === "ArrowDown") playback.seekBy(-STEP);
  else if (event.key === "ArrowRight" || event.key === "ArrowUp") playback.seekBy(STEP);
  else return;
  event.preventDefault();
}

function showTime() {
  if (!bar) return;
  const length = Number.isFinite(audio.duration) ? audio.duration : (playback.now().track?.duration ?? NaN);
  const time = audio.currentTime;
  const position = part("input");
  position.max = Number.isFinite(audio.duration) ? audio.duration : 0;
  position.value = time;
  position.setAttribute("aria-valuetext", `${spoken(time)} of ${spoken(length)}`);
  bar.style.setProperty("--suno-played", `${length > 0 ? Math.min((time / length) * 100, 100) : 0}%`);
  part(".suno-bar-time").textContent = clock(time);
  part(".suno-bar-length").textContent = clock(length);
}

let shown = {};

function show() {
  const now = playback.now();
  if (!now.item) {
    const focused = bar?.contains(document.activeElement);
    bar?.remove();
    bar = undefined;
    shown = {};
    clearWave();
    if (focused) focusList();
    return;
  }
  if (!bar) make();
  const title = now.track.title ?? now.item.title ?? "Untitled";
  const { tracks } = now.item;
  const number = tracks.length > 1 ? `track ${tracks.indexOf(now.track) + 1} of ${tracks.length}` : "";
  if (shown.item !== now.item || shown.track !== now.track) {
    const picture = coverOf({ ...now.item, cover: now.track.cover ?? now.item.cover });
    const image = part("img");
    image.onerror = () => picture.onError({ currentTarget: image });
    image.src = picture.src;
    part(".suno-bar-title").textContent = title;
    part(".suno-bar-title").title = title;
    part("[role=status]").textContent = `Playing ${title}${number ? `, ${number}` : ""}`;
    showTime();
  }
  if (shown.trouble !== now.trouble || shown.track !== now.track) {
    const note = part(".suno-bar-note");
    const dag = now.item.entry.dag_display_name ?? now.item.entry.dag_id;
    note.textContent = now.trouble ?? [number, dag].filter(Boolean).join(" · ");
    note.title = note.textContent;
    bar.classList.toggle("suno-troubled", Boolean(now.trouble));
    if (now.trouble) part("[role=status]").textContent = now.trouble;
  }
  if (shown.source !== now.source) {
    bar.classList.remove("suno-waved");
    const { source, track } = now;
    const done = () => bar?.classList.add("suno-waved");
    if (source?.kept) drawWave(part(".suno-wave"), audio, source.url, track.duration, done);
    else clearWave();
  }
  const toggle = part("[data-do=toggle]");
  toggle.setAttribute("aria-label", now.playing ? "Pause" : "Play");
  if (shown.playing !== now.playing || !toggle.firstChild) toggle.innerHTML = iconMarkup(now.playing ? "pause" : "play");
  bar.classList.toggle("suno-loading", now.loading);
  shown = now;
}

playback.subscribe(show);
for (const name of ["timeupdate", "durationchange", "seeked", "emptied"]) audio.addEventListener(name, showTime);

/** Tell the bar that a page of the player is shown, where it may be wide. Returns a function that takes it back. */
export function showWide() {
  pages += 1;
  bar?.classList.add("suno-wide");
  return () => {
    pages -= 1;
    bar?.classList.toggle("suno-wide", pages > 0);
  };
}
