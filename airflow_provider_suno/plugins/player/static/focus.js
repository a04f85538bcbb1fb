// Where the focus goes when the element that had it is removed: without this, keyboards would begin at the page's top.

import { h, React } from "./host.js";

const { useLayoutEffect, useRef } = React;

/** Give the focus to the list's active row; to the filter where there is no row. */
export function focusList() {
  const page = document.querySelector(".suno-page");
  const row = page?.querySelector('.suno-row[tabindex="0"]');
  (row ?? page?.querySelector(".suno-filter"))?.focus({ preventScroll: true });
}

/** A button that may be gone once it was pressed. */
export function Button({ children, ...rest }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const button = box.current;
    return () => {
      // Afterwards, when the rows are those that will be shown.
      if (document.activeElement === button) queueMicrotask(focusList);
    };
  }, []);
  return h("button", { type: "button", className: "suno-button", ref: box, ...rest }, children);
}
