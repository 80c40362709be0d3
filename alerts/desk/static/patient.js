// One patient: the parts that changed are fetched, numbers and charts move by themselves.
import { $, quietly, setCell, tick } from "./desk.js";
import { heard } from "./calls.js";
import "./failures.js";
import "./observe.js";
import { keys } from "./keys.js";
import { toggle as toggleSound } from "./sound.js";
import { listen } from "./stream.js";
import { undo } from "./undo.js";
import { append, charts } from "./charts.js";
import { frame } from "./window.js";

const banner = $("#patient"), number = banner.dataset.patient, key = `p${number}`, base = `/patients/${number}`;
let digest = null;

const busy = (el) => el.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
const renew = async (name) => {
  const el = $(`[data-part="${name}"]`);
  if (!el) return;
  if (busy(el)) { setTimeout(() => renew(name), 2000); return; }
  if ($(".htmx-request", el)) { setTimeout(() => renew(name), 300); return; } // its answer needs its button
  const answer = await quietly(`${base}/part/${name}?${shown.query()}`).catch(() => null);
  if (!answer) { setTimeout(() => renew(name), 2000); return; } // what is old must not stay for lack of one answer
  if ($(".htmx-request", el)) { setTimeout(() => renew(name), 300); return; }
  const at = document.activeElement, inside = el.contains(at) && at !== el;
  el.innerHTML = await answer.text();
  htmx.process(el);
  if (inside) ($("button, a", el) ?? $("#trends")).focus({ preventScroll: true });
  tick();
};
const shown = frame(() => {
  $("[data-export]").href = `${base}/readings.csv?${shown.query()}`;
  chart.reload();
  renew("table");
});
const chart = charts(async () => (await quietly(`${base}/series?${shown.query()}`)).json(), banner.dataset.zone, shown);

// alarms of other patients are heard here too, and lead to them
const elsewhere = $("#elsewhere");
const others = (calls) => {
  const found = calls.filter(([, p, , , , line]) => p === 3 && line !== key);
  elsewhere.hidden = !found.length;
  if (!found.length) return;
  const [, , , , text, line] = found[0], link = $("a", elsewhere);
  $("[data-elsewhere]", elsewhere).textContent = `Another high alarm waits: ${text}${found.length > 1 ? `, and ${found.length - 1} more` : ""}`;
  link.href = /^p\d+$/.test(line) ? `/patients/${line.slice(1)}` : "/";
};
listen((event) => {
  if (event.calls) { heard(event.calls); others(event.calls); }
  for (const [k, n] of Object.entries(event.counts)) { const el = $(`[data-count-text="${k}"]`); if (el) el.textContent = n; }
  for (const [column, cell] of Object.entries(event.cells?.[key] ?? {})) {
    setCell($(`.readout[data-cell="${column}"]`), cell);
    append(column, cell);
  }
  const state = event.lines?.[key];
  if (!state || state[2] === digest) return;
  const first = digest === null;
  digest = state[2];
  if (first) return;
  for (const name of ["alarms", "work", "news", "calls", "timeline"]) renew(name);
  chart.reload();
}, key);
setInterval(() => { renew("news"); renew("calls"); if (shown.live()) { renew("table"); chart.reload(); } }, 60_000);

document.addEventListener("vigil:changed", () => { for (const name of ["alarms", "work", "news", "calls", "timeline"]) renew(name); });
document.addEventListener("input", (e) => { if (e.target.closest(".limits td")) e.target.classList.toggle("changed", e.target.value !== e.target.defaultValue); });
const pressAt = (q) => () => $(q)?.click();
keys({ e: () => { $("#observe")?.scrollIntoView(); $("#by-respiratory_rate")?.focus(); }, z: undo, m: toggleSound, a: pressAt("#work [hx-post$='/acknowledge']"), h: () => { location.href = "/shift"; } });
