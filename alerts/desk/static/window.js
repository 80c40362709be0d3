// The window of time that the charts show: a range until now, or a stretch that somebody moved or zoomed to.
import { $$ } from "./desk.js";

const SHORTEST = 300, LONGEST = 31 * 86400;
const keys = { "+": "in", "=": "in", "-": "out", 0: "now" };

export const frame = (changed) => {
  let view = { hours: 6 }, usual = 6, span = 6 * 3600, end = Date.now() / 1000;
  const show = (next) => {
    view = next;
    for (const b of $$("[data-hours]")) b.setAttribute("aria-pressed", Number(b.dataset.hours) === view.hours);
    changed();
  };
  const stretch = (from, to) => {
    const now = Date.now() / 1000, length = Math.min(Math.max(to - from, SHORTEST), LONGEST, now);
    const last = Math.min(Math.max((from + to + length) / 2, length), now);
    show({ from: last - length, to: last });
  };
  const acts = {
    earlier: () => stretch(end - 1.5 * span, end - span / 2),
    later: () => (end + span / 2 >= Date.now() / 1000 && !view.hours ? acts.now() : stretch(end - span / 2, end + span / 2)),
    in: () => stretch(end - 0.75 * span, end - 0.25 * span),
    out: () => stretch(end - 1.5 * span, end + span / 2),
    now: () => show({ hours: usual }),
  };
  for (const b of $$("[data-hours]")) b.addEventListener("click", () => { usual = Number(b.dataset.hours); acts.now(); });
  for (const b of $$("[data-move]")) b.addEventListener("click", () => acts[b.dataset.move]());
  return {
    query: () => (view.hours ? `hours=${view.hours}` : `from=${view.from}&to=${view.to}`),
    live: () => Boolean(view.hours),
    shown: (start, to) => { end = to; span = to - start; },
    stretch,
    now: () => acts.now(),
    key: (e) => { // true if the key was for the window
      const name = e.shiftKey ? { ArrowLeft: "earlier", ArrowRight: "later" }[e.key] ?? keys[e.key] : keys[e.key];
      if (name) acts[name]();
      return Boolean(name);
    },
  };
};
