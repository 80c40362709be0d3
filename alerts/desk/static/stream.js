// The stream from the server, and the truth about it: live, stale, or disconnected.
import { $, now, quietly, setClock, span, tick } from "./desk.js";

const SILENT_MS = 3500; // events come twice a second
let heard = performance.now(), heardAt = Date.now(), source = null, last = null, retry = 0;

const zone = document.documentElement.dataset.zone;
const time = (ms) => new Date(ms).toLocaleTimeString("en-GB", { timeZone: zone || "UTC" });

const judge = () => {
  const live = $("#live"), lost = $("#lost"), word = $("[data-live-word]", live);
  const silent = performance.now() - heard > SILENT_MS, still = !silent && last?.still;
  document.body.classList.toggle("is-lost", silent || Boolean(still));
  live.classList.toggle("stale", silent || Boolean(still));
  word.textContent = silent ? "Disconnected" : still ? "Stale" : "Live";
  const text = silent ? `No connection to Vigil since ${time(heardAt)} (${span(Date.now() - heardAt)}).`
    : still ? (last.data ? `No data have reached Vigil since ${time(last.data)} (${span(now() - last.data)}).` : "No data have reached Vigil yet.") : "";
  const said = $("[data-lost-text]", lost);
  if (said.textContent !== text) said.textContent = text;
  lost.hidden = !text;
};

// `handle` gets each list event; order, cells and counts stand in it only where they changed
export const listen = (handle, only) => {
  const connect = () => {
    source?.close();
    source = new EventSource(only ? `/stream?only=${only}` : "/stream");
    source.addEventListener("list", (e) => {
      last = JSON.parse(e.data);
      heard = performance.now(); heardAt = Date.now(); retry = 0;
      setClock(last.now);
      $("#asof").textContent = time(last.data ?? last.now);
      judge();
      handle(last);
    });
    source.addEventListener("bye", () => location.assign("/sign-in?why=ended"));
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return;
      // the browser has given up: was it the session, or the server?
      quietly("/list").catch(() => {});
      setTimeout(connect, Math.min(10_000, 1000 * 2 ** retry++));
    });
  };
  connect();
  setInterval(judge, 500);
  tick();
  addEventListener("pagehide", () => source.close());
};
