// The list: only the rows that are in sight exist, and each of them has the same height.

import { whyNotServed } from "./api.js";
import { followInside, h, Link, React, runPage, taskPage } from "./host.js";
import { coverOf, Icon } from "./pictures.js";
import { playback } from "./playback.js";
import { clock, moment, spoken } from "./words.js";

const { memo, useEffect, useLayoutEffect, useRef, useState } = React;

const BEYOND = 5; // rows that exist above and below those in sight
const STEP = 2; // rows that are scrolled before others are made: each time the browser paints anew
const NARROW = 860; // pixels
const HEIGHTS = { wide: 76, narrow: 136 };
const UNDER_BAR = 96; // pixels that the bar hides at the end of the list; see player.css
const SETTLED = 80; // milliseconds after which the rows in sight are read

/**
 * Show rows in a window.
 *
 * `numbers` are the numbers of the entries to show, null for all of them.
 */
export function List({ library, numbers, label, served, inRun, playing, tell, navigate }) {
  const box = useRef(null);
  const [view, setView] = useState({ top: 0, height: 600, narrow: false });
  const [active, setActive] = useState(0);
  const focusWanted = useRef(false);
  const count = numbers ? numbers.length : (library.total ?? 0);
  const rowHeight = view.narrow ? HEIGHTS.narrow : HEIGHTS.wide;
  const first = Math.max(stepOf(view.top, rowHeight) * STEP - BEYOND, 0);
  const last = Math.min((stepOf(view.top, rowHeight) + 1) * STEP + Math.ceil(view.height / rowHeight) + BEYOND, count) - 1;
  const current = Math.min(active, Math.max(count - 1, 0));

  useLayoutEffect(() => {
    const measure = () => {
      const { clientHeight: height, clientWidth, scrollTop: top } = box.current;
      setView({ top, height, narrow: clientWidth < NARROW });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    box.current.scrollTop = 0;
    setActive(0);
  }, [library, numbers === null]);

  useEffect(() => {
    const inSight = Array.from({ length: Math.max(last - first + 1, 0) }, (_, place) => first + place);
    const timer = setTimeout(() => library.show(numbers ? inSight.map((position) => numbers[position]) : inSight), SETTLED);
    return () => clearTimeout(timer);
  }, [library, library.version, numbers, first, last]);

  useLayoutEffect(() => {
    if (!focusWanted.current) return;
    focusWanted.current = false;
    box.current.querySelector(`[data-row="${current}"]`)?.focus({ preventScroll: true });
  });

  // When the list was read anew and there are newer rows, stay with those that were looked at.
  const shown = useRef({});
  useLayoutEffect(() => {
    const before = shown.current;
    shown.current = { library, pages: library.pages };
    if (before.library !== library || before.pages === library.pages || numbers || !library.newer) return;
    const focused = box.current.contains(document.activeElement);
    focusWanted.current = focused;
    if (focused || current > 0) setActive(current + library.newer);
    if (focused || box.current.scrollTop > 0) box.current.scrollTop += library.newer * rowHeight;
  });

  const onScroll = () => {
    const { scrollTop } = box.current;
    // Nothing is drawn anew while the same rows are in sight.
    setView((old) => (stepOf(old.top, rowHeight) === stepOf(scrollTop, rowHeight) ? old : { ...old, top: scrollTop }));
  };

  const go = (to) => {
    const row = Math.min(Math.max(to, 0), count - 1);
    const { scrollTop } = box.current;
    const clientHeight = box.current.clientHeight - (playing.item ? UNDER_BAR : 0);
    if (row * rowHeight < scrollTop) box.current.scrollTop = row * rowHeight;
    else if ((row + 1) * rowHeight > scrollTop + clientHeight) box.current.scrollTop = (row + 1) * rowHeight - clientHeight;
    focusWanted.current = true;
    setActive(row);
    onScroll();
  };

  const onKeyDown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inSight = Math.max(Math.floor(view.height / rowHeight) - 1, 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: inSight, PageUp: -inSight, Home: -count, End: count };
    const onRow = event.target.dataset.row !== undefined;
    if (moves[event.key]) go(current + moves[event.key]);
    else if (onRow && event.key === "ArrowLeft") playback.seekBy(-5);
    else if (onRow && event.key === "ArrowRight") playback.seekBy(5);
    else if (onRow && event.key === " " && playing.item) playback.toggle();
    else if (onRow && (event.key === "Enter" || event.key === " ")) playRow(library, numbers ? numbers[current] : current);
    else return;
    event.preventDefault();
  };

  const rows = [];
  const add = (position) => {
    const number = numbers ? numbers[position] : position;
    const item = library.item(number);
    const isPlaying = Boolean(item && playing.item?.id === item.id);
    rows.push(
      h(Row, {
        key: number, library, number, position, item, entry: library.entry(number),
        top: position * rowHeight, height: rowHeight, narrow: view.narrow, served, inRun, active: position === current, track: isPlaying ? playing.track : null,
        sounding: isPlaying && playing.playing, setActive, tell,
      }),
    );
  };
  for (let position = first; position <= last; position += 1) add(position);
  // The row that has the focus stays, however far it is scrolled away.
  if (count && (current < first || current > last)) add(current);

  return h("div", {
      className: "suno-list", ref: box, onScroll, onKeyDown, onClick: (event) => followInside(event, navigate),
      role: "grid", "aria-label": label, "aria-rowcount": count, "data-testid": "suno-list",
    },
    h("div", { className: playing.item ? "suno-rows suno-above-bar" : "suno-rows", role: "presentation", style: { height: count * rowHeight } }, rows));
}

const stepOf = (top, rowHeight) => Math.floor(top / (rowHeight * STEP));

async function playRow(library, number, track) {
  const item = await library.itemAt(number);
  if (!item?.tracks.length) return;
  if (playback.isTrack(item, track ?? playback.now().track)) playback.toggle();
  else playback.play(library, number, item, track ?? item.tracks[0]);
}

const Row = memo(function Row({ library, number, position, item, entry, top, height, narrow, served, inRun, active, track, sounding, setActive, tell }) {
  const tabIndex = active ? 0 : -1;
  const className = ["suno-row", narrow && "suno-narrow", track && "suno-current"].filter(Boolean).join(" ");
  return h("div", {
      className, role: "row", "aria-rowindex": position + 1, "data-row": position, "data-testid": "suno-row", tabIndex,
      "aria-current": track ? "true" : undefined, "aria-busy": !item,
      style: { height, transform: `translateY(${top}px)` }, onFocus: () => setActive(position),
    },
    item
      ? [
          h(Cover, { key: "cover", library, number, item, tabIndex, sounding, playable: isPlayable(item, served) }),
          h(Words, { key: "words", item }),
          h(Tracks, { key: "tracks", library, number, item, served, tabIndex, track, sounding, tell }),
        ]
      : [h("div", { key: "none", role: "gridcell", className: "suno-waiting" }, h("span", { className: "suno-unseen" }, "Loading"))],
    entry && h(Origin, { entry, inRun, tabIndex }),
  );
});

const isPlayable = (item, served) => item.tracks.some((track) => track.urls.length || (served && track.kept.length));

function Cover({ library, number, item, tabIndex, sounding, playable }) {
  const title = item.title ?? "this song";
  return h("div", { role: "gridcell", className: "suno-cover" },
    h("img", { ...coverOf(item), loading: "lazy" }),
    playable && h("button", {
        type: "button", tabIndex, className: "suno-play", "aria-label": `${sounding ? "Pause" : "Play"} ${title}`,
        "data-testid": "suno-play", onClick: () => playRow(library, number),
      }, h(Icon, { name: sounding ? "pause" : "play", size: 24 })));
}

function Words({ item }) {
  const notes = [
    item.personaId && `Persona ${item.personaName ?? item.personaId}`,
    item.madeInto?.length && `Made into ${item.madeInto.join(", ")}`,
    item.model,
  ].filter(Boolean);
  const title = item.title ?? (item.trouble ? "Not shown" : "Untitled");
  const line = item.trouble ?? [item.tags, ...notes].filter(Boolean).join(" · ");
  return h("div", { role: "gridcell", className: "suno-words" },
    h("div", { className: "suno-title", title }, title),
    h("div", { className: item.trouble ? "suno-muted suno-trouble" : "suno-muted", title: line }, line));
}

function Tracks({ library, number, item, served, tabIndex, track: current, sounding, tell }) {
  const one = (track, place) => {
    const playable = track.urls.length > 0 || (served && track.kept.length > 0);
    const isCurrent = current?.index === track.index;
    const name = `${track.title ?? item.title ?? "Untitled"}, track ${place + 1} of ${item.tracks.length}, ${spoken(track.duration ?? NaN)}`;
    const kept = track.kept[0];
    return h("span", { key: track.index, className: isCurrent ? "suno-track suno-current" : "suno-track" },
      h("button", {
          type: "button", tabIndex, disabled: !playable, "aria-label": `${isCurrent && sounding ? "Pause" : "Play"} ${name}`,
          "aria-pressed": isCurrent, "data-testid": "suno-track", onClick: () => playRow(library, number, track),
          title: playable ? undefined : whyNot(kept),
        },
        h(Icon, { name: isCurrent && sounding ? "pause" : "play", size: 16 }),
        h("span", null, item.tracks.length > 1 ? `${place + 1} · ${clock(track.duration ?? NaN)}` : clock(track.duration ?? NaN))),
      kept && served && h("a", {
          tabIndex, href: kept.download, download: kept.name, "aria-label": `Download ${kept.name}`, title: `Download ${kept.name}`,
          "data-testid": "suno-download", onClick: (event) => download(event, tell),
        }, h(Icon, { name: "download", size: 16 })));
  };
  return h("div", { role: "gridcell", className: "suno-tracks" }, item.tracks.map(one));
}

/** Say why a file is not served, where a browser would only say that it failed. */
async function download(event, tell) {
  const link = event.currentTarget;
  if (link.dataset.asked) {
    delete link.dataset.asked;
    return;
  }
  event.preventDefault();
  const trouble = await whyNotServed(link.href);
  tell(trouble);
  if (trouble) return;
  link.dataset.asked = "yes";
  link.click();
}

const whyNot = (kept) =>
  kept ? `${kept.uri} is kept, but not below [suno] player_roots of the API server` : "There is no address to play this from";

function Origin({ entry, inRun, tabIndex }) {
  const dag = entry.dag_display_name ?? entry.dag_id;
  const task = `${entry.task_display_name ?? entry.task_id}${entry.map_index >= 0 ? ` [${entry.map_index}]` : ""}`;
  const link = (to, text, label) => h(Link, { to, tabIndex, title: text, "aria-label": label, className: "suno-link" }, text);
  return h("div", { role: "gridcell", className: "suno-origin" },
    h("div", { className: "suno-line" },
      !inRun && link(`/dags/${encodeURIComponent(entry.dag_id)}`, dag, `Dag ${dag}`),
      !inRun && " / ",
      link(taskPage(entry), task, `Task instance ${task}`)),
    !inRun && h("div", { className: "suno-line suno-muted" }, link(runPage(entry), entry.run_id, `Dag run ${entry.run_id}`)),
    h("div", { className: "suno-line suno-muted" }, h("time", { dateTime: entry.timestamp }, moment(Date.parse(entry.timestamp)))));
}
