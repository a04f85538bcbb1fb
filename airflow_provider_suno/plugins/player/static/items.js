// What an XCom holds, as the list shows it. Values come from the service, so nothing in them is trusted to be there.

import { keptFileUrl } from "./api.js";

/** A text that says something, or null. */
export const text = (value) => (typeof value === "string" && value.trim() ? value.trim() : null);
const seconds = (value) => (typeof value === "number" && value > 0 && Number.isFinite(value) ? value : null);
const list = (value) => (Array.isArray(value) ? value.filter((one) => one && typeof one === "object") : []);

/** An address that a browser may play or show: nothing but http and https. */
function webAddress(value) {
  try {
    return ["http:", "https:"].includes(new URL(value).protocol) ? value : null;
  } catch {
    return null;
  }
}

/** Most hosts delete their files after this time, some earlier. */
export const SERVICE_KEEPS = 14 * 24 * 3600 * 1000;

export const entryId = (entry) =>
  [entry.dag_id, entry.run_id, entry.task_id, entry.map_index, entry.key].map(encodeURIComponent).join("/");

/** Return the item of an XCom, or why there is none. */
export function readItem(entry, value) {
  const item = { id: entryId(entry), entry, time: Date.parse(entry.timestamp), tracks: [], trouble: null };
  const read = { music_task: readMusicTask, files: readFiles, persona: readPersona }[entry.key];
  if (value === null || typeof value !== "object") {
    return { ...item, trouble: "This XCom is not in Airflow's database as it was pushed; an XCom backend may keep it." };
  }
  return read(item, value);
}

function readMusicTask(item, value) {
  const urls = (track) => [track.audio_url, track.source_audio_url, track.stream_audio_url].map(webAddress);
  const tracks = list(value.tracks).map((track, index) => ({
    id: text(track.audio_id),
    index,
    title: text(track.title),
    duration: seconds(track.duration),
    urls: [...new Set(urls(track).filter(Boolean))],
    cover: webAddress(track.image_url) ?? webAddress(track.source_image_url),
    kept: [],
  }));
  const [first] = list(value.tracks);
  const failed = text(value.error_message) ?? (/FAIL|ERROR|EXCEPTION/.test(value.status ?? "") ? value.status : null);
  return {
    ...item,
    tracks,
    title: tracks.map((track) => track.title).find(Boolean) ?? null,
    tags: text(first?.tags),
    model: text(value.model) ?? text(first?.model_name),
    personaId: text(value.persona_id),
    cover: tracks.map((track) => track.cover).find(Boolean) ?? null,
    jobId: text(value.music_task_id),
    trouble: tracks.length ? null : `No track${failed ? `: ${failed}` : "."}`,
  };
}

function readFiles(item, value) {
  const tracks = list(value).flatMap((file, index) => {
    if (!/^audio\//.test(file.media_type ?? "")) return [];
    const name = nameOf(file.uri);
    return [{
      id: text(file.audio_id),
      index,
      title: text(file.part) ? `${name} (${file.part})` : text(file.title) ?? name,
      duration: seconds(file.duration),
      urls: [],
      cover: null,
      kept: [keptFile(item.entry, file, index)],
    }];
  });
  const size = list(value).reduce((sum, file) => sum + (Number(file.size) || 0), 0);
  const other = list(value).length - tracks.length;
  const notes = [`${tracks.length} audio`, ...(other ? [`${other} other`] : []), `${(size / 1e6).toFixed(1)} MB`];
  return {
    ...item,
    tracks,
    title: tracks.map((track) => track.title).find(Boolean) ?? "Kept files",
    tags: `${notes.join(", ")} in ${folderOf(list(value)[0]?.uri)}`,
    trouble: tracks.length ? null : "No audio file.",
  };
}

function readPersona(item, value) {
  return {
    ...item,
    title: text(value.name) ?? "Persona",
    tags: text(value.description),
    personaId: text(value.persona_id),
    jobId: text(value.music_task_id),
  };
}

/** The files of an XCom `files` that are audio, by the track that they hold. */
export function keptFiles(entry, value) {
  return list(value).flatMap((file, index) =>
    /^audio\//.test(file.media_type ?? "") && text(file.audio_id) && !text(file.part)
      ? [{ audioId: file.audio_id, ...keptFile(entry, file, index) }]
      : [],
  );
}

function keptFile(entry, file, index) {
  return {
    uri: text(file.uri),
    name: nameOf(file.uri),
    url: keptFileUrl(entry, index),
    download: keptFileUrl(entry, index, true),
  };
}

const nameOf = (uri) => text(uri)?.split("/").at(-1) ?? "file";
const folderOf = (uri) => text(uri)?.split("/").slice(0, -1).join("/") ?? "";

/** Return whether an item has all the words of a filter, in what is shown of it or in its ids. */
export function matches(item, filter) {
  const { entry } = item;
  const words = [
    item.title,
    item.tags,
    item.model,
    item.personaName,
    ...(item.madeInto ?? []),
    entry.dag_display_name,
    entry.task_display_name,
    entry.dag_id,
    entry.run_id,
    entry.task_id,
    item.jobId,
    item.personaId,
    ...item.tracks.flatMap((track) => [track.title, track.id]),
  ];
  const all = words.filter(Boolean).join("\n").toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}
