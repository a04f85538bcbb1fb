// The list: only the rows that are in sight exist, and each of them has the same height.

import { followInside, h, React } from "./host.js";
import { playback } from "./playback.js";
import { playRow, Row } from "./row.js";

const { useEffect, useLayoutEffect, useMemo, useRef, useState } = React;

const BEYOND = 5; // rows that exist above and below those in sight
const STEP = 2; // rows that are scrolled before others are made: each time the browser paints anew
const NARROW = 860; // pixels
const HEIGHTS = { wide: 76, narrow: 136 };
const UNDER_BAR = 96; // pixels that the bar hides at the end of the list; see player.css
const SETTLED = 80; // milliseconds after which the rows in sight are read
const SECONDS = 5; // that an arrow key seeks

/**
 * Show rows in a window.
 *
 * `numbers` are the numbers of the entries to show, null for all of them.
 */
export function List({ library, numbers, label, served, inRun, playing, tell, navigate }) {
  const box = useRef(null);
  const count = numbers ? numbers.length : (library.total ?? 0);
  const sight = useWindow(box, count);
  const { height: rowHeight, narrow, first, last } = sight;
  const hidden = playing.item ? UNDER_BAR : 0;
  const { current, setActive, go } = useActiveRow(box, { library, numbers, count, sight, hidden });

  useEffect(() => {
    const inSight = Array.from({ length: Math.max(last - first + 1, 0) }, (_, place) => first + place);
    const shown = numbers ? inSight.map((position) => numbers[position]) : inSight;
    const timer = setTimeout(() => library.show(shown), SETTLED);
    return () => clearTimeout(timer);
  }, [library, library.version, numbers, first, last]);

  const onKeyDown = (event) => {
    const play = () => playRow(library, numbers ? numbers[current] : current);
    if (doAsKeySays(event, { count, current, page: sight.page, go, play })) event.preventDefault();
  };

  // One object for all rows, so that a row is only drawn anew when something of its own has changed.
  const shared = useMemo(
    () => ({ library, rowHeight, narrow, served, inRun, setActive, tell }),
    [library, rowHeight, narrow, served, inRun, setActive, tell],
  );
  const rowAt = (position) => {
    const number = numbers ? numbers[position] : position;
    const item = library.item(number);
    const isPlaying = Boolean(item && playing.item?.id === item.id);
    return h(Row, {
      key: number,
      shared,
      number,
      position,
      item,
      entry: library.entry(number),
      active: position === current,
      track: isPlaying ? playing.track : null,
      sounding: isPlaying && playing.playing,
    });
  };
  const rows = [];
  for (let position = first; position <= last; position += 1) rows.push(rowAt(position));
  // The row that has the focus stays, however far it is scrolled away.
  if (count && (current < first || current > last)) rows.push(rowAt(current));

  return h("div", {
      className: "suno-list",
      ref: box,
      role: "grid",
      "aria-label": label,
      "aria-rowcount": count,
      "data-testid": "suno-list",
      onScroll: sight.onScroll,
      onKeyDown,
      onClick: (event) => followInside(event, navigate),
    },
    h("div", {
        className: playing.item ? "suno-rows suno-above-bar" : "suno-rows",
        role: "presentation",
        style: { height: count * rowHeight },
      },
      rows));
}

/** Follow which rows are in sight: the first and the last that have to exist, how high each is, how many make a page. */
function useWindow(box, count) {
  const [view, setView] = useState({ top: 0, height: 600, narrow: false });
  const height = view.narrow ? HEIGHTS.narrow : HEIGHTS.wide;
  const stepOf = (top) => Math.floor(top / (height * STEP));
  const beyond = (stepOf(view.top) + 1) * STEP + Math.ceil(view.height / height) + BEYOND;

  useLayoutEffect(() => {
    const measure = () => {
      const { clientHeight, clientWidth, scrollTop } = box.current;
      setView({ top: scrollTop, height: clientHeight, narrow: clientWidth < NARROW });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  return {
    first: Math.max(stepOf(view.top) * STEP - BEYOND, 0),
    last: Math.min(beyond, count) - 1,
    page: Math.max(Math.floor(view.height / height) - 1, 1),
    height,
    narrow: view.narrow,
    onScroll() {
      const { scrollTop } = box.current;
      // Nothing is drawn anew while the same rows are in sight.
      setView((old) => (stepOf(old.top) === stepOf(scrollTop) ? old : { ...old, top: scrollTop }));
    },
  };
}

/** Follow which row is the active one, which keys go from; `hidden` are the pixels at the end that something covers. */
function useActiveRow(box, { library, numbers, count, sight, hidden }) {
  const [active, setActive] = useState(0);
  const focusWanted = useRef(false);
  const shown = useRef({});
  const current = Math.min(active, Math.max(count - 1, 0));

  useEffect(() => {
    box.current.scrollTop = 0;
    setActive(0);
  }, [library, numbers === null]);

  useLayoutEffect(() => {
    if (!focusWanted.current) return;
    focusWanted.current = false;
    box.current.querySelector(`[data-row="${current}"]`)?.focus({ preventScroll: true });
  });

  // When the list was read anew and there are newer rows, stay with those that were looked at.
  useLayoutEffect(() => {
    const before = shown.current;
    shown.current = { library, pages: library.pages };
    if (before.library !== library || before.pages === library.pages || numbers || !library.newer) return;
    const focused = box.current.contains(document.activeElement);
    focusWanted.current = focused;
    if (focused || current > 0) setActive(current + library.newer);
    if (focused || box.current.scrollTop > 0) box.current.scrollTop += library.newer * sight.height;
  });

  const go = (to) => {
    const row = Math.min(Math.max(to, 0), count - 1);
    const [above, below] = [row * sight.height, (row + 1) * sight.height];
    const seen = box.current.clientHeight - hidden;
    if (above < box.current.scrollTop) box.current.scrollTop = above;
    else if (below > box.current.scrollTop + seen) box.current.scrollTop = below - seen;
    focusWanted.current = true;
    setActive(row);
    sight.onScroll();
  };

  return { current, setActive, go };
}

/** Do what a key means in the list. Returns false if it means nothing. */
function doAsKeySays(event, { count, current, page, go, play }) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count };
  if (moves[event.key]) {
    go(current + moves[event.key]);
    return true;
  }
  if (event.target.dataset.row === undefined) return false; // a button or a link of a row
  if (event.key === "ArrowLeft") playback.seekBy(-SECONDS);
  else if (event.key === "ArrowRight") playback.seekBy(SECONDS);
  else if (event.key === " " && playback.now().item) playback.toggle();
  else if (event.key === "Enter" || event.key === " ") play();
  else return false;
  return true;
}
