// What has been read of the XComs with one key: pages of entries, and the items of those that were looked at.

import { enqueue, getValue, listEntries, PAGE } from "./api.js";
import { entryId, keptFiles, readItem, text } from "./items.js";

const MOST_RELATED = 20; // XComs of the same run that are read to find kept files and names of personas

export class Library {
  constructor(scope, key) {
    Object.assign(this, { scope, key, version: 0, listeners: new Set() });
    this.items = new Map(); // by the entry's id; kept over reloads
    this.relations = new Map(); // likewise: what is being read that belongs to an item
    this.clear();
  }

  clear() {
    this.pages = new Map();
    this.total = null;
    this.error = null;
    this.unsorted = false;
    this.jobs = new Map();
    this.search = null;
  }

  subscribe = (listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Tell those who show it, once for all that happens within a frame. */
  changed() {
    this.version += 1;
    if (this.told) return;
    this.told = true;
    queueMicrotask(() => {
      this.told = false;
      for (const listener of this.listeners) listener();
    });
  }

  entry(index) {
    const page = this.pages.get(Math.floor(index / PAGE));
    return Array.isArray(page) ? page[index % PAGE] : undefined;
  }

  item(index) {
    const entry = this.entry(index);
    return entry && this.items.get(entryId(entry));
  }

  /** Read the page that has an entry. */
  loadPage(number) {
    const known = this.pages.get(number);
    if (known) return Array.isArray(known) ? Promise.resolve() : known;
    const loading = enqueue(() => listEntries(this.scope, this.key, number * PAGE)).result.then(
      ({ xcom_entries: entries, total_entries: total }) => {
        if (this.pages.get(number) !== loading) return;
        this.unsorted ||= isUnsorted(entries);
        if (this.unsorted && total <= PAGE) {
          entries.sort((one, other) => Date.parse(other.timestamp) - Date.parse(one.timestamp));
          this.unsorted = false;
        }
        this.pages.set(number, entries);
        this.total = total;
        this.error = null;
        this.changed();
      },
      (error) => {
        if (this.pages.get(number) === loading) this.pages.delete(number);
        this.error = error;
        this.changed();
      },
    );
    this.pages.set(number, loading);
    return loading;
  }

  /** Read what a viewer sees, and take back what is not seen any more and was not begun. */
  show(first, last) {
    for (const [index, job] of this.jobs) {
      if ((index < first || index > last) && job.cancel()) this.jobs.delete(index);
    }
    for (let index = last; index >= first; index -= 1) {
      if (this.entry(index)) this.loadItem(index).then((item) => item && this.relate(item));
      else if (this.total === null || index < this.total) this.loadPage(Math.floor(index / PAGE));
    }
  }

  /** Read the item of an entry, whose page has been read. Returns undefined when it was taken back. */
  async loadItem(index) {
    const entry = this.entry(index);
    if (!entry) return undefined;
    const id = entryId(entry);
    const known = this.items.get(id);
    if (known && known.time === Date.parse(entry.timestamp) && !known.unread) return known;
    let job = this.jobs.get(index);
    if (!job) {
      job = enqueue(() => getValue(entry));
      this.jobs.set(index, job);
    }
    try {
      const value = await job.result;
      const again = this.items.get(id);
      if (again && again.time === Date.parse(entry.timestamp) && !again.unread) return again;
      this.items.set(id, readItem(entry, value));
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      const trouble = error.status === 403 ? "You may not read this XCom." : `This XCom cannot be read: ${error.message}`;
      this.items.set(id, { ...readItem(entry, {}), title: null, trouble, unread: error.status !== 403 });
    } finally {
      if (this.jobs.get(index) === job) this.jobs.delete(index);
    }
    this.changed();
    return this.items.get(id);
  }

  /** Return the item of an entry, for a player that goes on to what nobody looks at. */
  async itemAt(index) {
    if (index < 0) return null;
    await this.loadPage(Math.floor(index / PAGE));
    for (let attempt = 0; attempt < 3 && this.entry(index); attempt += 1) {
      const item = await this.loadItem(index);
      if (item) return this.relate(item);
    }
    return null;
  }

  /** Read what belongs to an item, once, and return it with that. */
  relate(item) {
    if (item.unread) return Promise.resolve(item);
    const name = `${item.id}@${item.time}`;
    if (!this.relations.has(name)) {
      const related = relatedTo(item).then((found) => {
        if (!found) return item;
        const whole = { ...item, ...found };
        this.items.set(item.id, whole);
        this.changed();
        return whole;
      });
      this.relations.set(name, related.catch(() => item));
    }
    return this.relations.get(name);
  }

  /** Return the number of an item's entry now, which changes when there are newer ones; -1 when it is not known. */
  indexOf(item, guess) {
    const is = (entry) => entry && entryId(entry) === item.id;
    if (is(this.entry(guess))) return guess;
    for (const [number, page] of this.pages) {
      const place = Array.isArray(page) ? page.findIndex(is) : -1;
      if (place >= 0) return number * PAGE + place;
    }
    return -1;
  }

  /** The numbers of all entries whose items have been read. */
  *loaded() {
    for (const [number, page] of [...this.pages].sort(([one], [other]) => one - other)) {
      if (!Array.isArray(page)) continue;
      for (const index of page.keys()) {
        const item = this.item(number * PAGE + index);
        if (item) yield [number * PAGE + index, item];
      }
    }
  }

  /** Read all items, so that a filter finds all. Goes on until it is done or stopped. */
  async readAll() {
    const search = { done: 0, stopped: false, running: true };
    this.search = search;
    this.changed();
    for (let number = 0; !search.stopped; number += 1) {
      await this.loadPage(number);
      const page = this.pages.get(number);
      if (!Array.isArray(page) || !page.length) break;
      const numbers = page.map((_, index) => number * PAGE + index);
      const worker = async () => {
        for (let index = numbers.shift(); index !== undefined && !search.stopped; index = numbers.shift()) {
          await this.loadItem(index);
          search.done += 1;
        }
      };
      await Promise.all([worker(), worker(), worker(), worker()]);
      if (page.length < PAGE) break;
    }
    search.running = false;
    this.changed();
  }

  stopReading() {
    if (this.search) this.search.stopped = true;
    this.changed();
  }

  /** Read the list anew. What was read of its items stays, unless they were pushed again. */
  reload() {
    this.stopReading();
    this.clear();
    this.relations.clear();
    runs.clear();
    this.changed();
    return this.loadPage(0);
  }

  /** Return whether the first page would look otherwise now. */
  async isOutdated() {
    const first = this.entry(0);
    if (this.total === null) return false;
    const { xcom_entries: entries, total_entries: total } = await listEntries(this.scope, this.key, 0, 1);
    if (total !== this.total) return true;
    const [newest] = entries;
    return !this.unsorted && Boolean(newest && first) && total > 0 && newest.timestamp > first.timestamp;
  }
}

function isUnsorted(entries) {
  return entries.some((entry, index) => index > 0 && entry.timestamp > entries[index - 1].timestamp);
}

const libraries = new Map();

/** Return the library of a scope; the same one when a viewer comes back to it. */
export function libraryOf(scope, key) {
  const name = JSON.stringify([scope.dagId, scope.runId, key]);
  if (!libraries.has(name)) libraries.set(name, new Library(scope, key));
  return libraries.get(name);
}

// What belongs to the music of a run: its kept files, and the names of its personas. Read once for each run.
const runs = new Map();

function ofRun(entry) {
  const scope = { dagId: entry.dag_id, runId: entry.run_id };
  const name = JSON.stringify(scope);
  if (!runs.has(name)) {
    const entries = (key) => enqueue(() => listEntries(scope, key, 0)).result.then((found) => found.xcom_entries);
    runs.set(name, { files: entries("files").catch(() => []), personas: entries("persona").catch(() => []), values: new Map() });
  }
  return runs.get(name);
}

function valueOf(run, entry) {
  const id = entryId(entry);
  if (!run.values.has(id)) run.values.set(id, enqueue(() => getValue(entry)).result.catch(() => null));
  return run.values.get(id);
}

/** Return which tracks of an item are kept, and what its persona is called; null if there is nothing of that. */
async function relatedTo(item) {
  if (item.entry.key !== "music_task" || !item.tracks.length) return null;
  const run = ofRun(item.entry);
  const [files, personas] = await Promise.all([run.files, run.personas]);
  const near = (entry) => [item.entry.map_index, -1].includes(entry.map_index);
  const few = (entries) => (entries.length <= MOST_RELATED ? entries : entries.filter(near).slice(0, MOST_RELATED));
  const values = (entries) => Promise.all(few(entries).map(async (entry) => [entry, await valueOf(run, entry)]));
  const kept = (await values(files)).flatMap(([entry, value]) => keptFiles(entry, value));
  const made = (await values(personas)).map(([, persona]) => persona).filter((one) => one && typeof one === "object");
  const isOurs = (persona) => item.tracks.some((track) => track.id && track.id === persona.audio_id);
  const found = {
    tracks: item.tracks.map((track) => ({ ...track, kept: kept.filter((file) => file.audioId === track.id) })),
    personaName: text(made.find((persona) => item.personaId && persona.persona_id === item.personaId)?.name),
    madeInto: made.filter(isOurs).map((persona) => text(persona.name) ?? text(persona.persona_id)).filter(Boolean),
  };
  return kept.length || made.length ? found : null;
}
