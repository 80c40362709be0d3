// The worklist. Rows change in place; they move only with "Update list".
import { $, $$, openedFrom, quietly, say, setCell, tick, under } from "./desk.js";
import { heard } from "./calls.js";
import { failed, keepFailures, succeeded } from "./failures.js";
import { toggle as toggleSound } from "./sound.js";
import { listen } from "./stream.js";

const list = $("#list"), table = $("#table"), bar = $("[data-update]"), menu = $("#row-menu");
const rows = () => $$(".row", list).filter((r) => !r.hidden);
const current = () => $(".row[aria-current]", list);
const select = (row) => { if (current() !== row) current()?.removeAttribute("aria-current"); row?.setAttribute("aria-current", "true"); };
const rowOf = (key) => document.getElementById(`row-${key}`);
const cells = {}; // the newest numbers by row
const arrived = new Set(); // rows to which a new or worse alarm has come
let order = null, calls = [];

// fresh: calls of rows that are not yet in the first group; moved: rows that belong elsewhere
const KINDS = ["high", "medium", "technical", "low"];
const showBar = () => {
  const group = new Map(order.map(([key, of]) => [key, of])), shown = new Map($$("tbody", table).flatMap((t) => $$(".row", t).map((r) => [r.dataset.key, t.id])));
  const fresh = calls.filter((call) => shown.get(call[5]) !== "open");
  const there = order.map(([key]) => key).filter((key) => shown.has(key)), seen = [...shown.keys()].filter((key) => group.has(key));
  const elsewhere = there.filter((key) => shown.get(key) !== group.get(key)).length + (order.length - there.length) + (shown.size - seen.length);
  const moved = elsewhere || there.filter((key, i) => key !== seen[i]).length;
  bar.classList.toggle("is-new", fresh.length > 0);
  bar.classList.toggle("is-calm", !fresh.length);
  const by = KINDS.map((k) => [k, fresh.filter((call) => call[2] === k).length]).filter(([, n]) => n);
  $$("[data-update-mark] > *", bar).forEach((mark, i) => { mark.hidden = KINDS[i] !== (by[0]?.[0] === "low" ? "technical" : by[0]?.[0]); }); // none if nothing is new
  $("[data-update-count]", bar).textContent = fresh.length ? `${fresh.length} new` : moved ? `${moved} moved` : "";
  $("[data-update-text]", bar).textContent = fresh.length ? `${by.map(([k, n]) => `${n} ${k}`).join(", ")}. The list does not move until you update it.`
    : moved ? "Acknowledged, snoozed, ended or more urgent. The list does not move until you update it." : "The list is up to date.";
  // the headings count what is true now, wherever the rows still stand
  for (const body of $$("tbody", table)) $("[data-group-count]", body).textContent = order.filter(([, of]) => of === body.id).length;
  const none = $("[data-none]", table), waiting = order.filter(([, of]) => of === "open").length;
  if (none) none.textContent = waiting ? `${waiting} wait${waiting === 1 ? "s" : ""} further down: update the list to see ${waiting === 1 ? "it" : "them"} here.` : none.dataset.none;
};

// the newest form of rows, each put in its place
let fetching = false;
const renew = async () => {
  if (fetching || !order) return;
  const stale = order.filter(([key, , , digest]) => rowOf(key) && rowOf(key).dataset.digest !== digest).map(([key]) => key);
  if (!stale.length) return;
  fetching = true;
  try {
    const answer = await quietly(`/rows?${stale.slice(0, 300).map((k) => `key=${k}`).join("&")}`);
    const fresh = document.createElement("template");
    fresh.innerHTML = await answer.text();
    for (const row of $$("tr.row", fresh.content)) place(row);
  } catch { /* the next event tries again; the stream says whether there is a connection */ }
  fetching = false;
};
const place = (row) => {
  const old = document.getElementById(row.id);
  if (!old || $(".htmx-request", old)) return; // its answer has yet to come, and needs its button: the next event tries again
  const focused = old.contains(document.activeElement), act = document.activeElement?.closest?.("[data-act]");
  if (old.hasAttribute("aria-current")) row.setAttribute("aria-current", "true");
  row.hidden = old.hidden;
  row.classList.toggle("fresh", arrived.delete(row.dataset.key));
  old.replaceWith(row);
  htmx.process(row);
  setRow(row.dataset.key);
  if (focused) ((act && $("[data-act]", row)) ?? $(".who", row)).focus({ preventScroll: true });
};
const setRow = (key) => {
  const row = rowOf(key);
  if (row) for (const [column, cell] of Object.entries(cells[key] ?? {})) setCell($(`[data-cell="${column}"]`, row), cell);
};

listen((event) => {
  for (const [key, changed] of Object.entries(event.cells ?? {})) { cells[key] = { ...cells[key], ...changed }; setRow(key); }
  for (const [key, n] of Object.entries(event.counts)) $(`[data-count="${key}"] b`).textContent = n;
  if (event.order) order = event.order;
  if (event.calls) { calls = event.calls; for (const call of heard(calls)) arrived.add(call[5]); }
  if (order) { renew(); showBar(); }
});

// "Update list"
const update = async () => {
  const key = current()?.dataset.key, inside = list.contains(document.activeElement) || document.activeElement === bar;
  let answer;
  try { answer = await quietly("/list"); } catch { failed(bar, "The list was not updated: no answer from Vigil. Press again once it is back."); return; }
  succeeded(bar);
  const fresh = document.createElement("template");
  fresh.innerHTML = `<table>${await answer.text()}</table>`;
  const known = new Set($$("#open .row").map((r) => r.dataset.key));
  for (const body of $$("tbody", table)) body.remove();
  for (const body of $$("tbody", fresh.content)) table.append(body);
  htmx.process(table);
  for (const row of $$("#open .row")) row.classList.toggle("fresh", !known.has(row.dataset.key));
  Object.keys(cells).forEach(setRow);
  keepFailures();
  if (order) showBar();
  $("#notices").replaceChildren();
  filter(); tick();
  const row = (key && rowOf(key)) || rows()[0];
  if (inside && row) $(".who", row).focus();
  say("List updated.");
};
bar.addEventListener("click", update);

// after an act the row takes its new form where it is; the conflict notice says who was first
document.addEventListener("vigil:changed", () => { say("Done. The row shows what changed."); });

// filters: by count and by name
const filter = () => {
  const q = $("#q").value.trim().toLowerCase(), pressed = $$("[data-count][aria-pressed=true]").map((b) => b.dataset.count);
  for (const row of $$(".row", list)) {
    const d = row.dataset, kind = d.kind === "low" ? "technical" : d.kind;
    const wanted = !pressed.length || pressed.some((p) => p === "mine" ? "mine" in d : p === d.group || (d.group === "open" && p === kind));
    row.hidden = !wanted || (q !== "" && !$(".c-who", row).textContent.toLowerCase().includes(q));
  }
  for (const body of $$("tbody", table)) $(".group", body).hidden = (q !== "" || pressed.length > 0) && !$$(".row", body).some((r) => !r.hidden);
  $("#nothing").hidden = rows().length > 0 || (!q && !pressed.length);
};
$("#q").addEventListener("input", filter);
for (const b of $$("[data-count]")) b.addEventListener("click", () => { b.setAttribute("aria-pressed", b.getAttribute("aria-pressed") !== "true"); filter(); });
$("[data-clear]").addEventListener("click", () => {
  $("#q").value = "";
  for (const b of $$("[data-count]")) b.setAttribute("aria-pressed", "false");
  filter();
});
$("#q").addEventListener("keydown", (e) => { if (e.key !== "Escape" && e.key !== "Enter") return;
  const row = rows().includes(current()) ? current() : rows()[0];
  if (row) $(".who", row).focus();
});

// the selected row is the row that holds focus, so there is nothing to keep in step
list.addEventListener("focusin", (e) => { const r = e.target.closest(".row"); if (r) select(r); });
const shelve = (row) => {
  const alarm = row?.dataset.snooze; // the server names it where the person may
  if (!alarm) return;
  openedFrom($(".who", row));
  htmx.ajax("GET", `/alarms/${alarm}/pause`, { source: $("[data-menu]", row), target: "#dialog", swap: "innerHTML" });
};
list.addEventListener("click", (e) => {
  const more = e.target.closest("[data-menu]");
  if (!more) return;
  const row = more.closest(".row");
  select(row);
  $("[data-open]", menu).href = $(".who", row).href;
  $("[data-shelve]", menu).hidden = !row.dataset.snooze;
  $("[data-limits]", menu).href = `${$(".who", row).href}#limits-h`;
  menu.showPopover(); under(menu, more);
});
$("[data-shelve]", menu).addEventListener("click", () => { menu.hidePopover(); shelve(current()); });

// single keys act only while focus is inside the list (WCAG 2.1.4)
list.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const all = rows(), at = all.indexOf(current()), key = e.key.toLowerCase();
  const go = (n) => { const r = all[Math.max(0, Math.min(all.length - 1, n))]; if (r) { $(".who", r).focus(); r.scrollIntoView({ block: "nearest" }); } };
  const keys = {
    j: () => go(at + 1), arrowdown: () => go(at + 1), k: () => go(at - 1), arrowup: () => go(at - 1), home: () => go(0), end: () => go(all.length - 1),
    a: () => $("[data-act=ack]", current() ?? document.createElement("i"))?.click(), p: () => shelve(current()),
    u: update, m: toggleSound, "/": () => $("#q").focus(),
  };
  if (keys[key]) { e.preventDefault(); keys[key](); }
});
