// Texts: times, lengths, and what to say when something is not as it should be.

const pad = (number) => String(Math.floor(number)).padStart(2, "0");

/** A length such as 3:07. */
export function clock(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "–:––";
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** A length for screen readers. */
export function spoken(seconds) {
  if (!Number.isFinite(seconds)) return "unknown length";
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
}

/** A point in time as Airflow shows it, in the time zone that was chosen there. */
export function moment(time) {
  if (!Number.isFinite(time)) return "";
  const options = { dateStyle: "short", timeStyle: "medium", hourCycle: "h23" };
  const format = (timeZone) => new Intl.DateTimeFormat("sv-SE", { ...options, timeZone }).format(time);
  try {
    return format(chosenTimeZone());
  } catch {
    return format(undefined);
  }
}

function chosenTimeZone() {
  const chosen = localStorage.getItem("timezone")?.replaceAll('"', "");
  return !chosen || chosen === "local" ? undefined : chosen;
}

export const WHAT = {
  music_task: {
    label: "Songs",
    unit: ["music task", "music tasks"],
    none: "No music yet",
    hint:
      "Finished music appears here once a task has pushed the XCom music_task: " +
      "MusicTaskSensor does, and the music operators with wait_for_completion=True.",
  },
  files: {
    label: "Kept files",
    unit: ["task with kept files", "tasks with kept files"],
    none: "No kept files yet",
    hint: "Files appear here once a task has kept them: DownloadMusicOperator, or keep_at= on the operators and the sensors.",
  },
  persona: {
    label: "Personas",
    unit: ["persona", "personas"],
    none: "No personas yet",
    hint: "Personas appear here once GeneratePersonaOperator has made one.",
  },
};

/**
 * Say what an answer of Airflow's API means, and whether asking again may help.
 *
 * `runId` is that of the Dag run if one was asked for; `partly` says that some of the list is shown.
 */
export function explain(error, { runId, partly = false }) {
  if (error.status === 403) {
    return {
      title: "You may not read these XComs",
      text:
        "The player reads XComs with your own permissions. " +
        "Ask an administrator to let your role read the Dags and their XComs.",
      retry: false,
    };
  }
  if (error.status === 401) {
    return { title: "Your session has ended", text: "Reload this page to log in to Airflow again.", retry: true };
  }
  if (error.status === 404 && runId) {
    return { title: "There is no such Dag run", text: error.message, retry: true };
  }
  return {
    title: partly ? "Not all of the list can be read" : "The list cannot be read",
    text: error.status ? `Airflow's API answers HTTP ${error.status}. ${error.message}` : error.message,
    retry: true,
  };
}
