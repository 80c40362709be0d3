// Acts of a person on rows: on the row in focus, or on all that are selected, in one press with one reason.
import { $, $$, openedFrom, say } from "./desk.js";

const list = $("#list"), bar = $("#picked");
const picked = new Set(); // keys of rows
let keep = false; // the selection outlives the next act
let anchor = null; // where a range begins

const rowOf = (key) => document.getElementById(`row-${key}`);
const mark = (row) => {
  if (!row) return;
  const on = picked.has(row.dataset.key), box = $("[data-pick]", row);
  row.classList.toggle("is-picked", on);
  if (box) box.checked = on;
};
const show = () => {
  for (const key of picked) if (!rowOf(key)) picked.delete(key);
  bar.hidden = picked.size === 0;
  list.classList.toggle("is-picking", picked.size > 0);
  $("[data-picked-count]", bar).textContent = `${picked.size} selected`;
};
export const markAgain = (row) => mark(row);
export const pick = (row, on = !picked.has(row?.dataset.key)) => {
  if (!row || !$("[data-pick]", row) && !row.matches(".stub")) return;
  if (on) picked.add(row.dataset.key); else picked.delete(row.dataset.key);
  anchor = row.dataset.key;
  mark(row); show();
};
// from the row where the selection began to this one
export const pickTo = (row, rows) => {
  const from = rows.findIndex((r) => r.dataset.key === anchor), to = rows.indexOf(row);
  if (from < 0) { pick(row, true); return; }
  for (const one of rows.slice(Math.min(from, to), Math.max(from, to) + 1)) { picked.add(one.dataset.key); mark(one); }
  show();
};
export const pickNone = () => { for (const key of [...picked]) { picked.delete(key); mark(rowOf(key)); } show(); };
list.addEventListener("change", (e) => { if (e.target.matches("[data-pick]")) pick(e.target.closest(".row"), e.target.checked); });

export const pickedRows = () => [...picked].map(rowOf).filter(Boolean);
export const chosen = (current) => (picked.size ? [...picked].map(rowOf).filter(Boolean) : [current].filter(Boolean));
const of = (rows, ...names) => rows.map((row) => names.map((n) => row.dataset[n]).find(Boolean) ?? "").filter(Boolean).join(" ");
const source = () => (picked.size ? bar : $("[data-menu]", $(".row[aria-current]")) ?? bar); // a row of its own says at the row that it failed

const form = (url, values, rows) => {
  openedFrom($(".who", rows[0]));
  htmx.ajax("GET", url, { source: source(), target: "#dialog", swap: "innerHTML", values });
};
// of several lines the outcome closes only what is one's own: of those a colleague was first with, they know
const withAlarms = (name, nothing, ...names) => (rows) => {
  const alarms = of(name === "outcome" && rows.length > 1 ? rows.filter((row) => "mine" in row.dataset || row.dataset.waiting) : rows, ...names);
  if (!alarms) { say(nothing, true); return; }
  form(`/acts/${name}`, { alarms }, rows);
};
const ACTS = {
  ack: (rows) => {
    const alarms = of(rows, "waiting");
    if (!alarms) { say("Nobody has to acknowledge anything here.", true); return; }
    const one = rows.length === 1 && $("[data-act=ack]", rows[0]);
    if (one) { one.click(); return; }
    keep = picked.size > 0;
    htmx.ajax("POST", "/acts/acknowledge", { source: source(), target: "#notices", swap: "innerHTML", values: { alarms } });
  },
  outcome: withAlarms("outcome", "There is no work here that an outcome could close.", "working", "waiting"),
  snooze: withAlarms("snooze", "There is no alarm here to snooze.", "every"),
  give: withAlarms("give", "Nobody has this patient: acknowledge first, then give.", "owned"),
  note: withAlarms("note", "A note is written on an alarm: here is none.", "every"),
  away: (rows) => {
    const patients = rows.map((row) => row.dataset.patient).filter(Boolean).join(" ");
    if (!patients) { say("This line is no single patient.", true); return; }
    form("/patients/away", { patients }, rows);
  },
  call: ([row]) => {
    if (!row?.dataset.phone) { say("No telephone number is known.", true); return; }
    location.href = `tel:${row.dataset.phone.replaceAll(" ", "")}`;
  },
};
// a row that nobody has scrolled to is fetched moments after it was selected: an act is for all that are selected, or for none
const LOOK_MS = 50, MOST_MS = 5000;
export const act = async (name, rows) => {
  const keys = rows.map((row) => row.dataset.key);
  for (let left = MOST_MS; keys.some((key) => rowOf(key)?.matches(".stub")); left -= LOOK_MS) {
    if (left <= 0) { say("Not all of the selected lines are here yet: nothing was done, try again.", true); return; }
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  ACTS[name](keys.map(rowOf).filter(Boolean));
};
for (const b of $$("[data-many]", bar)) b.addEventListener("click", () => (b.dataset.many === "none" ? pickNone() : act(b.dataset.many, chosen())));
// what was taken stays selected: its outcome is the next act
document.addEventListener("vigil:changed", () => { if (!keep) pickNone(); keep = false; });
