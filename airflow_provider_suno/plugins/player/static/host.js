// What the page gives that this module is loaded into: React, its router, and Airflow's address.

export const React = globalThis.React;
export const h = React.createElement;
export const { Link, useNavigate } = globalThis.ReactRouterDOM;

/** Airflow's base URL. This file is two folders below it. */
export const BASE = new URL("../../", import.meta.url);

/** The page of a Dag run, and of a task instance, as the host's router takes them. */
export const runPage = (entry) =>
  `/dags/${encodeURIComponent(entry.dag_id)}/runs/${encodeURIComponent(entry.run_id)}`;

export const taskPage = (entry) => {
  const task = `${runPage(entry)}/tasks/${encodeURIComponent(entry.task_id)}`;
  return entry.map_index >= 0 ? `${task}/mapped/${entry.map_index}` : task;
};
