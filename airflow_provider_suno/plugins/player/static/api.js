// Airflow's public REST API, read with the viewer's own cookie.

import { BASE } from "./host.js";

export const PAGE = 100; // the most that Airflow returns at once

const MOST_AT_ONCE = 4;

/** A failed request. `status` is 0 when there was no answer at all. */
export class ApiError extends Error {
  constructor(status, detail) {
    super(detail || `HTTP ${status}`);
    this.status = status;
  }
}

export async function getJson(path) {
  let reply;
  try {
    reply = await fetch(new URL(path, BASE), { credentials: "same-origin", headers: { Accept: "application/json" } });
  } catch {
    throw new ApiError(0, "Airflow's API does not answer.");
  }
  if (!reply.ok) {
    const body = await reply.json().catch(() => ({}));
    throw new ApiError(reply.status, typeof body.detail === "string" ? body.detail : "");
  }
  return reply.json();
}

const part = (text) => encodeURIComponent(text ?? "~");

/**
 * One page of the XComs with a key, without their values: of a Dag run, or of all that the viewer may see.
 *
 * With `mapIndex` only those of task instances with this map index.
 */
export function listEntries({ dagId, runId, mapIndex }, key, offset, limit = PAGE) {
  const query = new URLSearchParams({ xcom_key: key, limit, offset, order_by: "-timestamp" });
  if (mapIndex !== undefined) query.set("map_index", mapIndex);
  return getJson(`api/v2/dags/${part(dagId)}/dagRuns/${part(runId)}/taskInstances/~/xcomEntries?${query}`);
}

/** The value of an XCom. */
export async function getValue(entry) {
  const run = `api/v2/dags/${part(entry.dag_id)}/dagRuns/${part(entry.run_id)}`;
  const path = `${run}/taskInstances/${part(entry.task_id)}/xcomEntries/${part(entry.key)}`;
  const { value } = await getJson(`${path}?map_index=${entry.map_index}`);
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Where the player's route serves a kept file; see addresses.py. */
export function keptFileUrl(entry, index, download = false) {
  const [dag, run, task] = [entry.dag_id, entry.run_id, entry.task_id].map(part);
  const query = new URLSearchParams({ map_index: entry.map_index, index });
  if (download) query.set("download", "true");
  return new URL(`suno-player/dags/${dag}/runs/${run}/tasks/${task}/files?${query}`, BASE).href;
}

/** Why the player's route does not serve a file, in its own words; null if it does. */
export async function whyNotServed(url) {
  try {
    const reply = await fetch(url, { credentials: "same-origin", headers: { Range: "bytes=0-0" } });
    if (reply.ok || reply.status === 416) return null;
    const { detail } = await reply.json();
    return typeof detail === "string" ? detail : `This file is not served (HTTP ${reply.status}).`;
  } catch {
    return "Airflow does not answer.";
  }
}

let about;

/** What the player's own routes say of themselves; asked for once. */
export function getAbout() {
  about ??= getJson("suno-player/about").catch(() => {
    about = undefined;
    return { kept_files: false };
  });
  return about;
}

// Work that waits for its turn. What was asked for last comes first: that is what the viewer looks at now.
const waiting = [];
let running = 0;

/** Run an asynchronous function when few others run. Returns its result, and a way to take it back while it waits. */
export function enqueue(work) {
  const job = { work };
  job.result = new Promise((resolve, reject) => Object.assign(job, { resolve, reject }));
  job.result.catch(() => {});
  job.cancel = () => {
    const place = waiting.indexOf(job);
    if (place < 0) return false;
    waiting.splice(place, 1);
    job.reject(new DOMException("not needed any more", "AbortError"));
    return true;
  };
  waiting.push(job);
  start();
  return job;
}

function start() {
  while (running < MOST_AT_ONCE && waiting.length) {
    const job = waiting.pop();
    running += 1;
    job.work().then(job.resolve, job.reject).finally(() => {
      running -= 1;
      start();
    });
  }
}
