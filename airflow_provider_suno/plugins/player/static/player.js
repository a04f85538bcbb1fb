// The music player for Airflow's UI: one module for two places, the tab "Music" of a Dag run and the library "Suno
// music" of the navigation. It is loaded as it is: no build step, and nothing comes from elsewhere.
//
//   host.js      what Airflow's page gives: React, its router, the base URL
//   api.js       Airflow's REST API, few requests at once
//   items.js     what an XCom holds, as the list shows it
//   library.js   what has been read so far; filters read from it
//   related.js   what belongs to a song but is in other XComs; recent.js what is remembered
//   playback.js  what is played, and what comes next
//   bar.js       the bar at the bottom of the window; waveform.js draws into it
//   page.js      the page; list.js the rows that are in sight; row.js one of them
//   focus.js     where the focus goes when what had it is removed
//   pictures.js, words.js, player.css
//
// Names that tests and style sheets of others may rely on:
//   data-testid  suno-page, suno-list, suno-row, suno-play, suno-track, suno-download, suno-filter, suno-count, suno-search,
//                suno-search-all, suno-message, suno-told, suno-trouble, suno-news, suno-unsorted, suno-loading; in the bar:
//                suno-bar, suno-toggle, suno-time, suno-position, suno-wave
//   roles        grid "Songs" / "Kept files" / "Personas", its rows; group "What to list"; searchbox "Filter"; region
//                "Suno player" with the buttons "Play" / "Pause", "Previous track", "Next track", "Stop and close the
//                player", and the slider "Position"

import { Page } from "./page.js";

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = new URL("player.css", import.meta.url);
await new Promise((done) => {
  style.onload = done;
  style.onerror = done;
  document.head.append(style);
});

// Airflow looks for a component under the name that the menu shows; see player_plugin.py.
globalThis.Music = Page;
globalThis["Suno music"] = Page;
