// Alarms that call: each new or worse one of every patient rings and is said; an unowned high rings again each minute.
import { say } from "./desk.js";
import { ring } from "./sound.js";

const KEPT = "vigil-rung", REST_MS = 300_000, APART_MS = 5000;
const title = document.title;
const again = () => Number(document.body.dataset.againS || 60) * 1000;
// what this tab has rung, over its pages: by alarm its priority p, onsets n, when it rang, whether it still calls
let rung = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
let calls = [], owed = 0, spoke = 0; // owed: the priority of what came while the page could not sound

const text = ([, , , , words], more) => `${words}${more ? `, and ${more} more` : ""}`;
const keep = () => sessionStorage.setItem(KEPT, JSON.stringify(rung));

// the calls of an event, [id, priority, kind, onsets, text, line]; returns those that are new or worse
export const heard = (list) => {
  const first = rung === null, after = {}, fresh = [], at = Date.now();
  for (const call of list) {
    const [id, p, , n] = call, was = rung?.[id];
    const back = was && !was.on && (p === 3 || at - was.at > REST_MS);
    if (!first && (!was || p > was.p || back || (p === 3 && n > was.n))) fresh.push(call);
    after[id] = { p, n, at: was?.at ?? 0, on: true };
  }
  for (const [id, was] of Object.entries(rung ?? {})) if (!after[id] && at - was.at < REST_MS) after[id] = { ...was, on: false };
  calls = list; rung = after;
  const high = list.filter(([, p]) => p === 3).length;
  document.title = high ? `(${high} high) ${title}` : title;
  if (fresh.length) {
    const [worst] = fresh; // the list comes with the most urgent first
    spoke = at;
    say(`New ${worst[2]} alarm: ${text(worst, fresh.length - 1)}`, worst[1] === 3);
    for (const [id] of fresh) rung[id].at = at;
    if (!ring(worst[1])) { owed = Math.max(owed, worst[1]); for (const [id] of fresh) rung[id].at = 0; }
  }
  keep();
  return fresh;
};

setInterval(() => {
  const at = Date.now(), due = calls.filter(([id, p]) => p === 3 && at - rung[id].at >= again());
  if (at - spoke < APART_MS) return; // what is new is heard out first
  if (due.length ? ring(3) : owed && calls.length && ring(owed)) {
    owed = 0;
    if (due.length) say(`Still not acknowledged: ${text(due[0], calls.filter(([, p]) => p === 3).length - 1)}`, true);
    for (const [id, p] of calls) if (p === 3) rung[id].at = at;
    keep();
  }
}, 1000);
