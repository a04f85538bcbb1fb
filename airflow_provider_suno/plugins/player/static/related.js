// What belongs to a song but is in other XComs of the same Dag run: its kept files, and the names of personas.

import { enqueue, getValue, listEntries } from "./api.js";
import { entryId, keptFiles, text } from "./items.js";
import { Recent } from "./recent.js";

const MOST = 20; // XComs of one key that are read for a song
const MOST_RUNS = 100; // whose XComs are remembered

const runs = new Recent(MOST_RUNS);

export const runName = (entry) => JSON.stringify([entry.dag_id, entry.run_id]);

/** Forget what was read, so that it is read anew. */
export const forgetRuns = () => runs.clear();

/** Return which tracks of an item are kept, and what its persona is called; null if there is nothing of that. */
export async function relatedTo(item) {
  if (item.entry.key !== "music_task" || !item.tracks.length) return null;
  const [files, personas] = await Promise.all([valuesNear(item.entry, "files"), valuesNear(item.entry, "persona")]);
  const kept = files.flatMap(([entry, value]) => keptFiles(entry, value));
  const made = personas.map(([, persona]) => persona).filter((one) => one && typeof one === "object");
  if (!kept.length && !made.length) return null;
  const isOurs = (persona) => item.tracks.some((track) => track.id && track.id === persona.audio_id);
  return {
    tracks: item.tracks.map((track) => ({ ...track, kept: kept.filter((file) => file.audioId === track.id) })),
    personaName: text(made.find((persona) => item.personaId && persona.persona_id === item.personaId)?.name),
    madeInto: made.filter(isOurs).map((persona) => text(persona.name) ?? text(persona.persona_id)).filter(Boolean),
  };
}

/** Return the names of all Dag runs that have made personas; see `runName`. */
export async function runsWithPersonas(scope) {
  const names = new Set();
  for (let read = 0, total = 1; read < total; ) {
    const offset = read;
    const answer = await enqueue(() => listEntries(scope, "persona", offset)).result;
    if (!answer.xcom_entries.length) break;
    for (const entry of answer.xcom_entries) names.add(runName(entry));
    read += answer.xcom_entries.length;
    total = answer.total_entries;
  }
  return names;
}

/**
 * Return the XComs with a key, with their values: all of the run if there are few.
 *
 * Else those of the same map index come first, and then those of tasks that are not mapped.
 */
async function valuesNear(entry, key) {
  const run = runOf(entry);
  const { entries, total } = await listed(run, key);
  const near = [...new Set([entry.map_index, -1])];
  let chosen = entries;
  if (total > entries.length) {
    const pages = await Promise.all(near.map((mapIndex) => listed(run, key, mapIndex)));
    chosen = pages.flatMap((page) => page.entries);
  } else if (total > MOST) {
    chosen = near.flatMap((mapIndex) => entries.filter((other) => other.map_index === mapIndex));
  }
  return Promise.all(chosen.slice(0, MOST).map(async (other) => [other, await valueOf(run, other)]));
}

function runOf(entry) {
  const name = runName(entry);
  const run = runs.get(name) ?? { dagId: entry.dag_id, runId: entry.run_id, lists: new Map(), values: new Map() };
  runs.set(name, run);
  return run;
}

/** Return the first page of a list, which is read once; an empty one if it cannot be read. */
function listed({ dagId, runId, lists }, key, mapIndex) {
  const name = `${key} ${mapIndex ?? ""}`;
  if (!lists.has(name)) {
    const listing = enqueue(() => listEntries({ dagId, runId, mapIndex }, key, 0)).result;
    const read = listing.then(({ xcom_entries: entries, total_entries: total }) => ({ entries, total }));
    lists.set(name, read.catch(() => ({ entries: [], total: 0 })));
  }
  return lists.get(name);
}

function valueOf({ values }, entry) {
  const id = entryId(entry);
  if (!values.has(id)) values.set(id, enqueue(() => getValue(entry)).result.catch(() => null));
  return values.get(id);
}
