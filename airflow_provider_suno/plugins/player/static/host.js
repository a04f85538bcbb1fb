// What the page gives that this module is loaded into: React, its router, and Airflow's address.

export const React = globalThis.React;
export const h = React.createElement;
export const { useNavigate } = globalThis.ReactRouterDOM;

/** Airflow's base URL. This file is two folders below it. */
export const BASE = new URL("../../", import.meta.url);

/** The page of a Dag run, and of a task instance, as the host's router takes them. */
export const runPage = (entry) =>
  `/dags/${encodeURIComponent(entry.dag_id)}/runs/${encodeURIComponent(entry.run_id)}`;

export const taskPage = (entry) => {
  const task = `${runPage(entry)}/tasks/${encodeURIComponent(entry.task_id)}`;
  return entry.map_index >= 0 ? `${task}/mapped/${entry.map_index}` : task;
};

/** A link to a page of Airflow. The router's own links cost a list that scrolls too much; see followInside. */
export const Link = ({ to, ...rest }) => h("a", { href: new URL(to.slice(1), BASE).href, "data-to": to, ...rest });

/** Follow such a link without loading the page anew, which would end the music. */
export function followInside(event, navigate) {
  const link = event.target.closest("a[data-to]");
  if (!link || !navigate || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(link.dataset.to);
}
