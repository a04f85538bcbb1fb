// Icons, and covers for songs that have none.

import { h } from "./host.js";

const PATHS = {
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
  next: "M6 5.5v13l8.5-6.5zM16 5.5h2.5v13H16z",
  previous: "M18 5.5v13l-8.5-6.5zM5.5 5.5H8v13H5.5z",
  close: "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12 19 17.6 17.6 19 12 13.4 6.4 19 5 17.6 10.6 12 5 6.4z",
  download: "M11 4h2v8.2l3.3-3.3 1.4 1.4L12 16l-5.7-5.7 1.4-1.4L11 12.2zM5 18h14v2H5z",
  reload: "M12 5a7 7 0 0 1 5 2.1V4h2v7h-7V9h3.9A5 5 0 1 0 17 12h2a7 7 0 1 1-7-7z",
};

/** An icon as the text of an SVG, for the bar, which is not made by React. */
export const iconMarkup = (name) =>
  `<svg viewBox="0 0 24 24" width="20" height="20" fill="currentColor" aria-hidden="true" focusable="false"><path d="${PATHS[name]}"/></svg>`;

export const Icon = ({ name, size = 20 }) =>
  h("svg", { viewBox: "0 0 24 24", width: size, height: size, fill: "currentColor", "aria-hidden": true, focusable: false },
    h("path", { d: PATHS[name] }));

function numberOf(text) {
  let sum = 2166136261;
  for (const sign of text) sum = Math.imul(sum ^ sign.codePointAt(0), 16777619) >>> 0;
  sum = Math.imul(sum ^ (sum >>> 16), 2246822507);
  return (sum ^ (sum >>> 13)) >>> 0;
}

/** A cover that is drawn from a title: the same title gets the same picture. Returns a data URL. */
export function drawnCover(title) {
  const number = numberOf(title || "?");
  const hue = number % 360;
  const bars = Array.from({ length: 9 }, (_, index) => {
    const height = 12 + ((number >>> (index * 3)) & 7) * 7;
    return `<rect x="${14 + index * 8.2}" y="${50 - height / 2}" width="5" height="${height}" rx="2.5"/>`;
  });
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">` +
    `<stop offset="0" stop-color="hsl(${hue} 45% 42%)"/><stop offset="1" stop-color="hsl(${(hue + 50) % 360} 50% 28%)"/></linearGradient></defs>` +
    `<rect width="100" height="100" fill="url(#g)"/><g fill="#fff" fill-opacity=".82">${bars.join("")}</g></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** A picture's attributes: the cover, and the drawn one in its place when the host does not send it. */
export function coverOf(item) {
  const drawn = drawnCover(item?.title ?? item?.jobId ?? "");
  return {
    src: item?.cover ?? drawn,
    alt: "",
    referrerPolicy: "no-referrer",
    decoding: "async",
    draggable: false,
    onError: ({ currentTarget }) => {
      if (currentTarget.src !== drawn) currentTarget.src = drawn;
    },
  };
}
