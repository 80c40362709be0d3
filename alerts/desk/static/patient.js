// One patient: the parts that changed are fetched, numbers and charts move by themselves.
import { $, $$, quietly, say, setCell, tick } from "./desk.js";
import { listen } from "./stream.js";
import { append, charts } from "./charts.js";

const banner = $("#patient"), number = banner.dataset.patient, key = `p${number}`, base = `/patients/${number}`;
let digest = null, hours = 6;

const busy = (el) => el.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
const renew = async (name) => {
  const el = $(`[data-part="${name}"]`);
  if (!el || busy(el)) return;
  if ($(".htmx-request", el)) { setTimeout(() => renew(name), 300); return; } // its answer needs its button
  const answer = await quietly(`${base}/part/${name}?hours=${hours}`).catch(() => null);
  if (!answer) return;
  if ($(".htmx-request", el)) { setTimeout(() => renew(name), 300); return; }
  const at = document.activeElement, inside = el.contains(at) && at !== el;
  el.innerHTML = await answer.text();
  htmx.process(el);
  if (inside) ($("button, a", el) ?? $("#trends")).focus({ preventScroll: true });
  tick();
};
const chart = charts(async () => (await quietly(`${base}/series?hours=${hours}`)).json(), banner.dataset.zone, () => hours);

let known = new Set($$("[data-strip]").map((s) => s.dataset.strip));
listen((event) => {
  for (const [k, n] of Object.entries(event.counts)) { const el = $(`[data-count-text="${k}"]`); if (el) el.textContent = n; }
  for (const [column, cell] of Object.entries(event.cells?.[key] ?? {})) {
    setCell($(`.readout[data-cell="${column}"]`), cell);
    append(column, cell);
  }
  const row = event.order?.find(([k]) => k === key);
  if (!row || row[3] === digest) return;
  const first = digest === null;
  digest = row[3];
  if (first) return;
  for (const name of ["alarms", "work", "news", "timeline"]) renew(name);
  if (row[1] === "open" && row[4] && !known.has(String(row[4]))) say(`New ${row[2]} alarm: ${row[5]}`, row[2] === "high");
  known.add(String(row[4]));
  chart.reload();
}, key);
setInterval(() => { renew("news"); renew("table"); chart.reload(); }, 60_000);

for (const b of $$("[data-hours]")) b.addEventListener("click", () => {
  hours = Number(b.dataset.hours);
  for (const o of $$("[data-hours]")) o.setAttribute("aria-pressed", o === b);
  chart.reload(); renew("table");
});
document.addEventListener("vigil:changed", () => { for (const name of ["alarms", "work", "timeline"]) renew(name); });
document.addEventListener("input", (e) => { if (e.target.closest(".limits td")) e.target.classList.toggle("changed", e.target.value !== e.target.defaultValue); });
