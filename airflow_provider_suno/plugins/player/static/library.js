// What has been read of the XComs with one key: pages of entries, and the items of those that were looked at.

import { enqueue, getValue, listEntries, PAGE } from "./api.js";
import { entryId, readItem } from "./items.js";
import { Recent } from "./recent.js";
import { forgetRuns, relatedTo, runName, runsWithPersonas } from "./related.js";

const REMEMBERED = 20; // libraries that are still there when a viewer comes back
const TELL_EVERY = 50; // milliseconds
const MOST_NEW = 20; // new entries whose items are read when the list is read anew
const FINAL = [403, 404]; // answers that asking again does not change
const AWAY = [0, 401, 429, 502, 503, 504]; // answers after which all others will be the same

export class Library {
  constructor(scope, key) {
    Object.assign(this, { scope, key, version: 0, listeners: new Set(), telling: false, toldAt: -TELL_EVERY });
    this.items = new Map(); // by the entry's id; kept over reloads
    this.relations = new Map(); // likewise: what is being read that belongs to an item
    this.error = null;
    this.clear();
  }

  clear() {
    this.pages = new Map(); // by number: entries, a promise while they are read, null if they could not be read
    this.pageSize = PAGE;
    this.total = null;
    this.newer = 0; // entries that came above the first one when the list was read anew
    this.news = false; // whether there is something new that is not shown yet
    this.unsorted = false;
    this.jobs = new Map();
    this.search = null;
  }

  subscribe = (listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Tell those who show it: soon, but not for each of many changes, since a filter then looks at all items again. */
  changed() {
    this.version += 1;
    if (this.telling) return;
    this.telling = true;
    // A timer, as pages that are not seen have no frames.
    setTimeout(() => {
      this.telling = false;
      this.toldAt = performance.now();
      for (const listener of this.listeners) listener();
    }, this.toldAt + TELL_EVERY - performance.now());
  }

  fail(error) {
    this.error = error;
    this.changed();
  }

  pageOf = (index) => Math.floor(index / this.pageSize);

  entry(index) {
    const page = this.pages.get(this.pageOf(index));
    return Array.isArray(page) ? page[index % this.pageSize] : undefined;
  }

  item(index) {
    const entry = this.entry(index);
    return entry && this.items.get(entryId(entry));
  }

  /** Read a page. One that could not be read is not asked for again until the list is read anew. */
  loadPage(number) {
    const { pages, pageSize } = this;
    if (pages.has(number)) return Promise.resolve(pages.get(number));
    const listing = enqueue(() => listEntries(this.scope, this.key, number * pageSize, pageSize)).result;
    const loading = listing.then(
      (answer) => {
        if (pages === this.pages) this.keepPage(number, answer);
      },
      (error) => {
        pages.set(number, null);
        if (pages === this.pages) this.fail(error);
      },
    );
    pages.set(number, loading);
    return loading;
  }

  keepPage(number, { xcom_entries: entries, total_entries: total }) {
    // Airflow may be set to return fewer at once than are asked for.
    if (number === 0 && entries.length && entries.length < total) this.pageSize = entries.length;
    this.unsorted ||= isUnsorted(entries);
    if (this.unsorted && total <= entries.length) {
      entries.sort((one, other) => Date.parse(other.timestamp) - Date.parse(one.timestamp));
      this.unsorted = false;
    }
    this.pages.set(number, entries);
    this.total = total;
    this.changed();
  }

  /** Read what a viewer sees, and take back what is not seen any more and was not begun. */
  show(numbers) {
    const seen = new Set(numbers);
    for (const [index, job] of this.search?.running ? [] : this.jobs) {
      if (!seen.has(index) && job.cancel()) this.jobs.delete(index);
    }
    for (const index of [...numbers].reverse()) {
      if (this.entry(index)) this.loadItem(index).then((item) => item && this.relate(item));
      else if (this.total === null || index < this.total) this.loadPage(this.pageOf(index));
    }
  }

  /** Return what was read of an entry, if it was not pushed again since. */
  known(entry) {
    const item = this.items.get(entryId(entry));
    return item && Object.is(item.time, Date.parse(entry.timestamp)) ? item : undefined;
  }

  /**
   * Read the item of an entry, whose page has been read. Returns undefined when it was taken back.
   *
   * One that could not be read says so, and is not asked for again until the list is read anew.
   */
  async loadItem(index) {
    const entry = this.entry(index);
    if (!entry) return undefined;
    if (this.known(entry)) return this.known(entry);
    let job = this.jobs.get(index);
    if (!job) {
      job = enqueue(() => getValue(entry));
      this.jobs.set(index, job);
    }
    let item;
    try {
      const value = await job.result;
      const again = this.known(entry);
      item = again && !again.unread ? again : readItem(entry, value);
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      const unread = !FINAL.includes(error.status);
      item = this.known(entry) ?? { ...readItem(entry, {}), title: null, trouble: whyUnread(error), unread };
      if (item.unread) this.error = error;
    } finally {
      if (this.jobs.get(index) === job) this.jobs.delete(index);
    }
    this.items.set(item.id, item);
    this.changed();
    return item;
  }

  /** Whether reading on is of no use. */
  isAway() {
    return AWAY.includes(this.error?.status);
  }

  /** Return the item of an entry, for a player that goes on to what nobody looks at. */
  async itemAt(index) {
    if (index < 0) return null;
    await this.loadPage(this.pageOf(index));
    for (let attempt = 0; attempt < 3 && this.entry(index); attempt += 1) {
      const item = await this.loadItem(index);
      if (item?.unread && this.isAway()) return null;
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
      if (place >= 0) return number * this.pageSize + place;
    }
    return -1;
  }

  /** The numbers of all entries whose items have been read. */
  *loaded() {
    for (const [number, page] of [...this.pages].sort(([one], [other]) => one - other)) {
      if (!Array.isArray(page)) continue;
      for (const index of page.keys()) {
        const item = this.item(number * this.pageSize + index);
        if (item) yield [number * this.pageSize + index, item];
      }
    }
  }

  /** Read all items, so that a filter finds all. Goes on until it is done or stopped. */
  async readAll() {
    const search = { done: 0, stopped: false, running: true };
    this.search = search;
    this.forgetFailures();
    const personas = this.key === "music_task" ? await runsWithPersonas(this.scope).catch(() => new Set()) : new Set();
    for (let number = 0; !search.stopped; number += 1) {
      await this.loadPage(number);
      const page = this.pages.get(number);
      if (!Array.isArray(page) || !page.length) break;
      const numbers = page.map((_, index) => number * this.pageSize + index);
      const worker = async () => {
        for (let index = numbers.shift(); index !== undefined && !search.stopped; index = numbers.shift()) {
          const item = await this.loadItem(index);
          // A filter looks at names of personas, too.
          if (item && personas.has(runName(item.entry))) await this.relate(item);
          if (this.isAway()) search.stopped = true;
          search.done += 1;
        }
      };
      await Promise.all([worker(), worker(), worker(), worker()]);
      if (page.length < this.pageSize) break;
    }
    search.running = false;
    this.changed();
  }

  stopReading() {
    if (this.search) this.search.stopped = true;
    this.changed();
  }

  /** Let what could not be read be asked for again. */
  forgetFailures() {
    this.error = null;
    for (const [number, page] of this.pages) if (page === null) this.pages.delete(number);
    for (const [id, item] of this.items) if (item.unread) this.items.delete(id);
    this.changed();
  }

  /**
   * Read the list anew. What is there stays until the new first page has come.
   *
   * What was read of its items stays after that, too, unless they were pushed again.
   */
  async reload() {
    this.stopReading();
    this.forgetFailures();
    const listing = enqueue(() => listEntries(this.scope, this.key, 0)).result;
    this.renewal = listing;
    try {
      const answer = await listing;
      if (this.renewal === listing) this.renew(answer);
    } catch (error) {
      if (this.renewal === listing) this.fail(error);
    }
  }

  renew(answer) {
    const first = this.entry(0);
    if (this.total === null) this.error = null; // of a first page that was asked for at the same time
    this.clear();
    this.relations.clear();
    forgetRuns();
    this.keepPage(0, answer);
    if (first) this.newer = Math.max(this.indexOf({ id: entryId(first) }, 0), 0);
    // So that a filter finds what is new.
    for (let index = 0; index < Math.min(this.newer, MOST_NEW); index += 1) this.loadItem(index);
  }

  /** Say that there is something new, where reading the list anew would take away what was found. */
  tellNews() {
    if (this.news) return;
    this.news = true;
    this.changed();
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

function whyUnread(error) {
  if (error.status === 403) return "You may not read this XCom.";
  if (error.status === 404) return "This XCom was deleted.";
  return `This XCom cannot be read: ${error.message}`;
}

function isUnsorted(entries) {
  return entries.some((entry, index) => index > 0 && entry.timestamp > entries[index - 1].timestamp);
}

const libraries = new Recent(REMEMBERED);

/** Return the library of a scope; the same one when a viewer comes back to it soon. */
export function libraryOf(scope, key) {
  const name = JSON.stringify([scope.dagId, scope.runId, key]);
  const library = libraries.get(name) ?? new Library(scope, key);
  libraries.set(name, library);
  return library;
}
