// One row of the list.

import { whyNotServed } from "./api.js";
import { h, Link, React, runPage, taskPage } from "./host.js";
import { coverOf, Icon } from "./pictures.js";
import { playback } from "./playback.js";
import { clock, moment, spoken } from "./words.js";

/** Play a row's item or one of its tracks, or pause it if it plays. */
export async function playRow(library, number, track) {
  const item = await library.itemAt(number);
  if (!item?.tracks.length) return;
  if (playback.isTrack(item, track ?? playback.now().track)) playback.toggle();
  else playback.play(library, number, item, track ?? item.tracks[0]);
}

/** `track` is the one that is played, if it is of this row; `shared` is what all rows have in common. */
export const Row = React.memo(function Row({ shared, number, position, item, entry, active, track, sounding }) {
  const { library, rowHeight, narrow, served, inRun, setActive, tell } = shared;
  const tabIndex = active ? 0 : -1;
  return h("div", {
      className: ["suno-row", narrow && "suno-narrow", track && "suno-current"].filter(Boolean).join(" "),
      role: "row",
      tabIndex,
      "aria-rowindex": position + 1,
      "aria-current": track ? "true" : undefined,
      "aria-busy": !item,
      "data-row": position,
      "data-testid": "suno-row",
      style: { height: rowHeight, transform: `translateY(${position * rowHeight}px)` },
      onFocus: () => setActive(position),
    },
    item
      ? [
          h(Cover, { key: "cover", library, number, item, tabIndex, sounding, served }),
          h(Words, { key: "words", item }),
          h(Tracks, { key: "tracks", library, number, item, served, tabIndex, current: track, sounding, tell }),
        ]
      : h("div", { role: "gridcell", className: "suno-waiting" }, h("span", { className: "suno-unseen" }, "Loading")),
    entry && h(Origin, { entry, inRun, tabIndex }));
});

const isPlayable = (track, served) => track.urls.length > 0 || (served && track.kept.length > 0);

function Cover({ library, number, item, tabIndex, sounding, served }) {
  const title = item.title ?? "this song";
  const button = () =>
    h("button", {
        type: "button",
        className: "suno-play",
        tabIndex,
        "aria-label": `${sounding ? "Pause" : "Play"} ${title}`,
        "data-testid": "suno-play",
        onClick: () => playRow(library, number),
      },
      h(Icon, { name: sounding ? "pause" : "play", size: 24 }));
  return h("div", { role: "gridcell", className: "suno-cover" },
    h("img", { ...coverOf(item), loading: "lazy" }),
    item.tracks.some((track) => isPlayable(track, served)) && button());
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

function Tracks({ library, number, item, served, tabIndex, current, sounding, tell }) {
  const all = item.tracks.map((track, place) => {
    const isCurrent = current?.index === track.index;
    const kept = served ? track.kept[0] : undefined;
    const press = () => playRow(library, number, track);
    return h("span", { key: track.index, className: isCurrent ? "suno-track suno-current" : "suno-track" },
      h(TrackButton, { item, track, place, served, tabIndex, plays: isCurrent && sounding, press }),
      kept && h(Download, { kept, tabIndex, tell }));
  });
  return h("div", { role: "gridcell", className: "suno-tracks" }, all);
}

function TrackButton({ item, track, place, served, tabIndex, plays, press }) {
  const playable = isPlayable(track, served);
  const count = item.tracks.length;
  const title = track.title ?? item.title ?? "Untitled";
  const length = clock(track.duration ?? NaN);
  const name = `${title}, track ${place + 1} of ${count}, ${spoken(track.duration ?? NaN)}`;
  return h("button", {
      type: "button",
      tabIndex,
      disabled: !playable,
      title: playable ? undefined : whyNot(track.kept[0]),
      "aria-label": `${plays ? "Pause" : "Play"} ${name}`,
      "data-testid": "suno-track",
      onClick: press,
    },
    h(Icon, { name: plays ? "pause" : "play", size: 16 }),
    h("span", null, count > 1 ? `${place + 1} · ${length}` : length));
}

const whyNot = (kept) =>
  kept
    ? `${kept.uri} is kept, but not below [suno] player_roots of the API server`
    : "There is no address to play this from";

function Download({ kept, tabIndex, tell }) {
  const label = `Download ${kept.name}`;
  return h("a", {
      href: kept.download,
      download: kept.name,
      tabIndex,
      title: label,
      "aria-label": label,
      "data-testid": "suno-download",
      onClick: (event) => download(event, tell),
    },
    h(Icon, { name: "download", size: 16 }));
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

function Origin({ entry, inRun, tabIndex }) {
  const dag = entry.dag_display_name ?? entry.dag_id;
  const task = `${entry.task_display_name ?? entry.task_id}${entry.map_index >= 0 ? ` [${entry.map_index}]` : ""}`;
  const link = (to, text, label) =>
    h(Link, { to, tabIndex, title: text, "aria-label": label, className: "suno-link" }, text);
  return h("div", { role: "gridcell", className: "suno-origin" },
    h("div", { className: "suno-line" },
      !inRun && link(`/dags/${encodeURIComponent(entry.dag_id)}`, dag, `Dag ${dag}`),
      !inRun && " / ",
      link(taskPage(entry), task, `Task instance ${task}`)),
    !inRun && h("div", { className: "suno-line suno-muted" }, link(runPage(entry), entry.run_id, `Dag run ${entry.run_id}`)),
    h("div", { className: "suno-line suno-muted" },
      h("time", { dateTime: entry.timestamp }, moment(Date.parse(entry.timestamp)))));
}
