// A page of the player: the tab of a Dag run, or the library of all.

import { getAbout, PAGE } from "./api.js";
import { showWide } from "./bar.js";
import { Button } from "./focus.js";
import { h, React, useNavigate } from "./host.js";
import { matches } from "./items.js";
import { libraryOf } from "./library.js";
import { List } from "./list.js";
import { Icon } from "./pictures.js";
import { playback } from "./playback.js";
import { Recent } from "./recent.js";
import { explain, WHAT } from "./words.js";

const { useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } = React;

const LOOK_AGAIN = 15000; // milliseconds
const BELOW = 12; // pixels

const chosen = new Recent(100); // what was listed last, by scope

export function Page({ dagId, runId }) {
  const scopeName = `${dagId ?? "~"}/${runId ?? "~"}`;
  const [key, setKey] = useState(chosen.get(scopeName) ?? "music_task");
  const [filter, setFilter] = useState("");
  const [served, setServed] = useState(false);
  const [told, tell] = useState(null);
  const library = useMemo(() => libraryOf({ dagId, runId }, key), [dagId, runId, key]);
  useSyncExternalStore(library.subscribe, () => library.version);
  const playing = useSyncExternalStore(playback.subscribe, playback.now);
  const navigate = useNavigate();
  const box = useRef(null);
  const filtered = useRef(false);

  useEffect(showWide, []);
  useEffect(() => {
    getAbout().then((about) => setServed(about.kept_files));
  }, []);
  useEffect(() => {
    chosen.set(scopeName, key);
    if (library.error) library.reload();
    else library.loadPage(0);
    return keepCurrent(library, () => filtered.current || library.search);
  }, [library]);
  useLayoutEffect(() => fillWindow(box.current), []);

  const text = filter.trim();
  filtered.current = Boolean(text);
  const numbers = useMemo(() => {
    if (!text) return null;
    return [...library.loaded()].filter(([, item]) => matches(item, text)).map(([number]) => number);
  }, [library, library.version, text]);

  return h("div", { className: "suno-page suno-theme", ref: box, "data-testid": "suno-page" },
    h(Tools, { library, list: key, setList: setKey, filter, setFilter, numbers, inRun: Boolean(runId) }),
    library.unsorted && h("p", { className: "suno-notice", "data-testid": "suno-unsorted" },
      "This Airflow cannot sort XComs, so the order is that of the Dags, not of time. ",
      "Airflow 3.2 and later list the newest first."),
    library.error && library.total !== null && h(Trouble, { library }),
    library.news && h("div", { className: "suno-notice", role: "status", "data-testid": "suno-news" },
      h("span", null, "There is something new."),
      h(Button, { onClick: () => library.reload() }, "Show it")),
    told && h("div", { className: "suno-notice suno-trouble", role: "alert", "data-testid": "suno-told" },
      h("span", null, told),
      h(Button, { onClick: () => tell(null) }, "Close")),
    text && h(Search, { library, found: numbers.length }),
    h(Content, { library, list: key, numbers, served, playing, tell, navigate, inRun: Boolean(runId) }));
}

function Content({ library, list, numbers, served, playing, tell, navigate, inRun }) {
  const { label, none, hint } = WHAT[list];
  if (library.error && library.total === null) {
    const { title, text, retry } = explain(library.error, { runId: library.scope.runId });
    return h(Message, { title, text, alert: true, again: retry ? () => library.reload() : null });
  }
  if (library.total === null) {
    return h("div", { className: "suno-list", "aria-busy": true, "data-testid": "suno-loading" },
      h("p", { className: "suno-message suno-muted" }, "Loading …"));
  }
  if (!library.total) return h(Message, { title: none, text: hint });
  if (numbers && !numbers.length) {
    return h(Message, { title: "Nothing matches", text: "Nothing that has been read so far matches the filter." });
  }
  return h(List, { library, numbers, label, served, playing, tell, navigate, inRun });
}

/** Say above the list that some of it could not be read. */
function Trouble({ library }) {
  const { title, text, retry } = explain(library.error, { runId: library.scope.runId, partly: true });
  return h("div", { className: "suno-notice suno-trouble", role: "alert", "data-testid": "suno-trouble" },
    h("span", null, `${title}. ${text}`),
    retry && h(Button, { onClick: () => library.reload() }, "Try again"));
}

function Message({ title, text, again, alert }) {
  return h("div", { className: "suno-message", role: alert ? "alert" : undefined, "data-testid": "suno-message" },
    h("h2", null, title),
    h("p", { className: "suno-muted" }, text),
    again && h(Button, { onClick: again }, "Try again"));
}

const inWords = (number) => number.toLocaleString("en");

function Tools({ library, list, setList, filter, setFilter, numbers, inRun }) {
  const { total } = library;
  const [one, many] = WHAT[list].unit;
  const count = total === null ? "" : `${inWords(total)} ${total === 1 ? one : many}`;
  return h("div", { className: "suno-tools" },
    !inRun && h("h1", { className: "suno-heading" }, "Suno music"),
    h("div", { className: "suno-switch", role: "group", "aria-label": "What to list" },
      Object.entries(WHAT).map(([name, { label }]) =>
        h("button", { key: name, type: "button", "aria-pressed": name === list, onClick: () => setList(name) }, label))),
    h("input", {
      type: "search",
      className: "suno-filter",
      value: filter,
      placeholder: `Filter by title, tags, persona, ${inRun ? "task" : "Dag, run"}`,
      "aria-label": "Filter",
      "data-testid": "suno-filter",
      onChange: (event) => setFilter(event.target.value),
    }),
    h("span", {
        className: "suno-muted suno-count",
        role: "status",
        "aria-live": "polite",
        "data-testid": "suno-count",
      },
      numbers ? "" : count),
    h("button", {
        type: "button",
        className: "suno-icon",
        "aria-label": "Reload the list",
        title: "Reload",
        onClick: () => library.reload(),
      },
      h(Icon, { name: "reload" })));
}

function Search({ library, found }) {
  const { search, total } = library;
  const read = [...library.loaded()].length;
  const whole = total !== null && read >= total;
  const where = whole ? "all" : `the ${inWords(read)} read so far of`;
  // One button for both, so that it keeps the focus.
  const [label, testId, press] = search?.running
    ? ["Stop", undefined, () => library.stopReading()]
    : ["Search all", "suno-search-all", () => library.readAll()];
  return h("div", { className: "suno-notice suno-search", "data-testid": "suno-search" },
    h("span", { role: "status", "aria-live": "polite" }, `${inWords(found)} found in ${where} ${inWords(total ?? 0)}.`),
    search?.running && h("progress", { max: total ?? PAGE, value: search.done, "aria-label": "Reading all" }),
    (search?.running || !whole) && h(Button, { "data-testid": testId, onClick: press }, label));
}

/** Look now and then whether there is something new, while the page is seen; only tell of it while something is found. */
function keepCurrent(library, isHeld) {
  const look = async () => {
    if (document.visibilityState !== "visible" || library.search?.running) return;
    if (!(await isOutdated(library))) return;
    if (isHeld()) library.tellNews();
    else library.reload();
  };
  const timer = setInterval(look, LOOK_AGAIN);
  document.addEventListener("visibilitychange", look);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

async function isOutdated(library) {
  try {
    return library.news || (await library.isOutdated());
  } catch (error) {
    if (error.status === 401) library.fail(error);
    return false;
  }
}

/** Let a page reach down to the end of the window, wherever it begins. */
function fillWindow(page) {
  const fit = () => {
    const { top } = page.getBoundingClientRect();
    page.style.height = `${Math.max(window.innerHeight - top - BELOW, 320)}px`;
  };
  fit();
  const observer = new ResizeObserver(fit);
  observer.observe(document.body);
  if (page.parentElement) observer.observe(page.parentElement);
  window.addEventListener("resize", fit);
  return () => {
    observer.disconnect();
    window.removeEventListener("resize", fit);
  };
}
