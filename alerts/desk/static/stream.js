// The stream from the server, and the truth about it: live, stale, or disconnected.
import { $, $$, ended, ends, now, quietly, setClock, span, tick, time } from "./desk.js";

const SILENT_MS = 3500; // events come twice a second
let heard = performance.now(), heardAt = Date.now(), source = null, last = null, retry = 0, over = false;
let paging = null; // [whether people are paged, in words]

const judge = () => {
  const live = $("#live"), lost = $("#lost"), word = $("[data-live-word]", live);
  const silent = performance.now() - heard > SILENT_MS, still = !silent && last?.still;
  const blind = silent || Boolean(still), was = document.body.classList.contains("is-lost");
  document.body.classList.toggle("is-lost", blind);
  if (blind !== was && !over) document.dispatchEvent(new Event(blind ? "vigil:lost" : "vigil:found"));
  live.classList.toggle("stale", blind);
  word.textContent = silent ? "Disconnected" : still ? "Stale" : "Live";
  const text = silent ? `No connection to Vigil since ${time(heardAt)} (${span(Date.now() - heardAt)}).`
    : still ? (last.data ? `No data have reached Vigil since ${time(last.data)} (${span(now() - last.data)}).` : "No data have reached Vigil yet.") : "";
  const said = $("[data-lost-text]", lost), told = $("[data-lost-paging]", lost);
  if (said.textContent !== text) said.textContent = text;
  // of what it cannot hear a page says nothing but when it last heard
  const known = !paging ? "Whether anybody is paged is not known." : silent ? `When last heard: ${paging[1]}` : paging[1];
  if (told.textContent !== known) told.textContent = known;
  lost.hidden = !text;
};

// `handle` gets each list event; order, cells and counts stand in it only where they changed
export const listen = (handle, only) => {
  const connect = () => {
    source?.close();
    if (over) return;
    source = new EventSource(only ? `/stream?only=${only}` : "/stream");
    source.addEventListener("list", (e) => {
      last = JSON.parse(e.data);
      heard = performance.now(); heardAt = Date.now(); retry = 0;
      setClock(last.now);
      $("#asof").textContent = time(last.data ?? last.now);
      if (last.paging) {
        paging = last.paging;
        for (const note of $$("[data-paging]")) { note.hidden = paging[0]; note.textContent = paging[1]; }
      }
      if (last.offer !== undefined && $("#offer")) { $("[data-offer]").textContent = last.offer; $("#offer").hidden = !last.offer || location.pathname === "/shift"; }
      judge();
      handle(last);
    });
    source.addEventListener("bye", ended);
    source.addEventListener("session", (e) => ends(JSON.parse(e.data)));
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return;
      // the browser has given up: was it the session, or the server?
      quietly("/list").catch(() => {});
      setTimeout(connect, Math.min(10_000, 1000 * 2 ** retry++));
    });
  };
  document.addEventListener("vigil:ended", () => { over = true; source?.close(); });
  connect();
  setInterval(judge, 500);
  tick();
  addEventListener("pagehide", () => source.close());
};
