// The worklist. Rows change in place; they move only with "Update list". What changed comes as values and is drawn once a
// frame, in rows that are on the screen or near it; the others are drawn when somebody scrolls to them.
import { $, $$, put, quietly, say, setCell, tickIn, tickOnly, under } from "./desk.js";
import { act, chosen, markAgain, pick, pickNone, pickTo, pickedRows } from "./acts.js";
import { heard } from "./calls.js";
import { failed, keepFailures, succeeded } from "./failures.js";
import { keys } from "./keys.js";
import { toggle as toggleSound } from "./sound.js";
import { listen } from "./stream.js";
import { undo } from "./undo.js";

const SLICE_MS = 8, AT_ONCE = 12;
const list = $("#list"), table = $("#table"), bar = $("[data-update]"), menu = $("#row-menu");
const rowOf = (key) => document.getElementById(`row-${key}`);
const rows = () => $$(".row", list).filter((r) => !r.hidden);
const current = () => $(".row[aria-current]", list);
const select = (row) => { if (current() !== row) current()?.removeAttribute("aria-current"); row?.setAttribute("aria-current", "true"); };
const states = new Map(); // by key: [group, kind, digest, mine]
const cells = {}; // the newest numbers by row
const arrived = new Set(); // rows to which a new or worse alarm has come
const opened = new Set(); // lines whose patients are shown
let order = null, calls = [], placed = new Map(); // placed: the group in which each row stands, in the order of the rows

const stands = () => { placed = new Map($$("tbody", table).flatMap((t) => $$(".row", t).map((r) => [r.dataset.key, t.id]))); };
stands();

// ---- rows that are near the screen
const near = new Set(), whole = new Set($$(".row:not(.stub)", table)), FEW = 60;
// of a small ward every row is kept as it is now, of a large one what is on the screen or near it
const live = () => (whole.size <= FEW ? new Set([...whole, ...near]) : near);
const forget = (row) => { near.delete(row); whole.delete(row); watch.unobserve(row); };
const watch = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    target.classList.toggle("is-near", isIntersecting);
    if (isIntersecting && target.isConnected) { near.add(target); setRow(target); tickIn(target); } else near.delete(target);
  }
  renew();
}, { rootMargin: "300px", root: getComputedStyle(list).overflowY === "auto" ? list : null });
for (const row of $$(".row", table)) watch.observe(row);
tickOnly(live);

const setRow = (row) => {
  for (const [column, cell] of Object.entries(cells[row.dataset.key] ?? {})) {
    const at = $(`[data-cell="${column}"]`, row);
    if (at) setCell(at, cell);
  }
};

// ---- the bar: fresh: calls of rows that are not yet in the first group; moved: rows that belong elsewhere
const KINDS = ["high", "medium", "technical", "low"];
const groupOf = (key) => states.get(key)?.[0];
const showBar = () => {
  const fresh = calls.filter((call) => placed.get(call[5]) !== "open");
  const there = order.filter((key) => placed.has(key)), known = new Set(order), seen = [...placed.keys()].filter((key) => known.has(key));
  const elsewhere = there.filter((key) => placed.get(key) !== groupOf(key)).length + (order.length - there.length) + (placed.size - seen.length);
  const moved = elsewhere || there.filter((key, i) => key !== seen[i]).length;
  bar.classList.toggle("is-new", fresh.length > 0);
  bar.classList.toggle("is-calm", !fresh.length);
  const by = KINDS.map((k) => [k, fresh.filter((call) => call[2] === k).length]).filter(([, n]) => n);
  $$("[data-update-mark] > *", bar).forEach((mark, i) => { mark.hidden = KINDS[i] !== (by[0]?.[0] === "low" ? "technical" : by[0]?.[0]); }); // none if nothing is new
  put($("[data-update-count]", bar), fresh.length ? `${fresh.length} new` : moved ? `${moved} moved` : "");
  put($("[data-update-text]", bar), fresh.length ? `${by.map(([k, n]) => `${n} ${k}`).join(", ")}. The list does not move until you update it.`
    : moved ? "Acknowledged, snoozed, ended or more urgent. The list does not move until you update it." : "The list is up to date.");
  // the headings count what is true now, wherever the rows still stand
  const many = { open: 0, held: 0, quiet: 0 };
  for (const key of order) many[groupOf(key)] += 1;
  for (const body of $$("tbody", table)) put($("[data-group-count]", body), String(many[body.id]));
  const none = $("[data-none]", table);
  if (none) put(none, many.open ? `${many.open} wait${many.open === 1 ? "s" : ""} further down: update the list to see ${many.open === 1 ? "it" : "them"} here.` : none.dataset.none);
};

// ---- the newest form of rows, each put in its place, a few in each frame
let fetching = false, waiting = [];
const fetchRows = async (wanted) => {
  const answer = await quietly(`/rows?${wanted.map((k) => `key=${k}`).join("&")}`);
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  return $$("tr.row", fresh.content);
};
const stale = (row) => row.dataset.digest !== states.get(row.dataset.key)?.[2] && states.has(row.dataset.key);
const renew = async () => {
  if (fetching || !order) return;
  const wanted = [...new Set([...near, ...live(), ...pickedRows()])].filter((row) => row.isConnected && stale(row)).sort((a, b) => near.has(b) - near.has(a)).slice(0, AT_ONCE);
  if (!wanted.length) return;
  fetching = true;
  try { waiting.push(...await fetchRows(wanted.map((row) => row.dataset.key))); placeSome(); } catch { /* the next event tries again; the stream says whether there is a connection */ }
  fetching = false;
};
const placeSome = () => {
  const began = performance.now();
  while (waiting.length && performance.now() - began < SLICE_MS) place(waiting.shift());
  if (waiting.length) setTimeout(placeSome, 16);
  else if ([...live(), ...pickedRows()].some(stale)) setTimeout(renew, 50);
};
const place = (row) => {
  const old = document.getElementById(row.id);
  if (!old || $(".htmx-request", old)) return; // its answer has yet to come, and needs its button: the next event tries again
  const focused = old.contains(document.activeElement), act = document.activeElement?.closest?.("[data-act]");
  if (old.hasAttribute("aria-current")) row.setAttribute("aria-current", "true");
  row.hidden = old.hidden;
  row.classList.toggle("fresh", arrived.delete(row.dataset.key));
  forget(old);
  old.replaceWith(row);
  made(row);
  if (focused) ((act && $("[data-act]", row)) ?? $(".who", row)).focus({ preventScroll: true });
};
const made = (row) => {
  htmx.process(row);
  markAgain(row);
  open(row, opened.has(row.dataset.key));
  whole.add(row); watch.observe(row);
  setRow(row); tickIn(row);
};
const open = (row, on) => {
  const button = $("[data-opens]", row);
  if (!button) return;
  button.setAttribute("aria-expanded", on);
  button.firstChild.data = on ? "Hide them " : "Show them ";
  $(".members", row).hidden = !on;
  if (on) opened.add(row.dataset.key); else opened.delete(row.dataset.key);
};

// ---- what the server sends, drawn once a frame
let due = null;
const draw = () => {
  const { touched, listed, counts } = due;
  due = null;
  const shown = live();
  for (const key of touched) { const row = rowOf(key); if (row && shown.has(row)) setRow(row); }
  for (const [key, n] of Object.entries(counts)) put($(`[data-count="${key}"] b`), String(n));
  if (!order) return;
  renew();
  if (listed) showBar();
};
listen((event) => {
  const first = !due;
  due ??= { touched: new Set(), listed: false, counts: {} };
  for (const [key, changed] of Object.entries(event.cells ?? {})) { cells[key] = { ...cells[key], ...changed }; due.touched.add(key); }
  due.counts = event.counts;
  let regrouped = false;
  for (const [key, state] of Object.entries(event.lines ?? {})) { regrouped ||= states.get(key)?.[0] !== state[0]; states.set(key, state); }
  if (event.order) order = event.order;
  if (event.calls) { calls = event.calls; for (const call of heard(calls)) arrived.add(call[5]); }
  due.listed ||= Boolean(event.order || event.calls) || regrouped;
  if (first) document.hidden ? setTimeout(draw, 0) : requestAnimationFrame(draw); // a tab that is not seen has no frames
});

// ---- "Update list": rows move to where they belong; those that are new to the page come first
const update = async () => {
  if (!order) return;
  const key = current()?.dataset.key, inside = list.contains(document.activeElement) || document.activeElement === bar;
  const known = new Set($$("#open .row").map((r) => r.dataset.key)), missing = order.filter((k) => !rowOf(k)), come = [];
  try {
    if (missing.length) for (let i = 0; i < missing.length; i += 100) come.push(...await fetchRows(missing.slice(i, i + 100)));
    else await quietly("/rows"); // a list that cannot be renewed must not pass for a new one
  } catch { failed(bar, "The list was not updated: no answer from Vigil. Press again once it is back."); return; }
  succeeded(bar);
  for (const line of $$(".failed-row", table)) line.remove();
  const fresh = new Map(come.map((row) => [row.dataset.key, row])), there = new Set(order);
  for (const row of $$(".row", table)) if (!there.has(row.dataset.key)) { forget(row); row.remove(); }
  for (const body of $$("tbody", table)) {
    const mine = order.filter((k) => groupOf(k) === body.id);
    let at = $(".group", body);
    if (body.id === "open") none(body, !mine.length);
    for (const k of mine) {
      const row = rowOf(k) ?? fresh.get(k);
      if (!row) continue;
      if (at.nextElementSibling !== row) at.after(row);
      if (fresh.has(k)) made(row);
      at = row;
    }
  }
  stands();
  for (const row of $$("#open .row")) row.classList.toggle("fresh", !known.has(row.dataset.key));
  keepFailures();
  showBar();
  $("#notices").replaceChildren();
  filter(); renew();
  const row = (key && rowOf(key)) || rows()[0];
  if (inside && row) $(".who", row).focus();
  say("List updated.");
};
const none = (body, wanted) => {
  const there = $(".none", body);
  if (!wanted) { there?.remove(); return; }
  if (there) return;
  const row = document.createElement("tr"), cell = row.appendChild(document.createElement("td"));
  row.className = "none"; row.setAttribute("role", "row"); cell.setAttribute("role", "cell");
  cell.colSpan = 13; cell.dataset.none = cell.textContent = "No alarm is unacknowledged.";
  body.append(row);
};
bar.addEventListener("click", update);

// without a connection the list stays, grey, and says how old it is
const isLost = () => document.body.classList.contains("is-lost");
setInterval(() => { if (isLost()) put($("[data-update-text]", bar), `This list is of ${$("#asof").textContent}: nothing in it is newer. It is renewed once Vigil is back.`); }, 1000);
document.addEventListener("vigil:found", () => { if (order) showBar(); });

// after an act the row takes its new form where it is; the conflict notice says who was first
document.addEventListener("vigil:changed", () => { say("Done. The row shows what changed."); });

// ---- filters: by count and by name
const names = new WeakMap();
const nameOf = (row) => { if (!names.has(row)) names.set(row, $(".c-who", row).textContent.toLowerCase()); return names.get(row); };
const STEP = 60, more = $("#more"); // so many rows are laid out at once; the next ones come as somebody scrolls to the end
let budget = STEP;
const filter = () => {
  const q = $("#q").value.trim().toLowerCase(), pressed = $$("[data-count][aria-pressed=true]").map((b) => b.dataset.count), found = {};
  let many = 0;
  for (const row of $$(".row", table)) {
    const d = row.dataset, [group, kindOf, , mine] = states.get(d.key) ?? [d.group, d.kind, "", "mine" in d], kind = kindOf === "low" ? "technical" : kindOf;
    const wanted = (!pressed.length || pressed.some((p) => p === "mine" ? mine : p === group || (group === "open" && p === kind))) && (q === "" || nameOf(row).includes(q));
    if (wanted) { many += 1; found[row.parentElement.id] = true; }
    const hidden = !wanted || many > budget;
    if (row.hidden !== hidden) row.hidden = hidden;
  }
  for (const body of $$("tbody", table)) $(".group", body).hidden = (q !== "" || pressed.length > 0) && !found[body.id];
  $("#nothing").hidden = many > 0 || (!q && !pressed.length);
  more.hidden = many <= budget;
  put($("[data-more]", more), `${Math.max(0, many - budget)} more`);
};
const showMore = () => { budget += STEP; filter(); };
more.addEventListener("click", showMore);
new IntersectionObserver(([entry]) => { if (entry.isIntersecting) showMore(); }, { rootMargin: "200px", root: getComputedStyle(list).overflowY === "auto" ? list : null }).observe(more);
filter();
const anew = () => { budget = STEP; filter(); };
const press = (name) => { const b = $(`[data-count="${name}"]`); b.setAttribute("aria-pressed", b.getAttribute("aria-pressed") !== "true"); anew(); };
$("#q").addEventListener("input", anew);
for (const b of $$("[data-count]")) b.addEventListener("click", () => press(b.dataset.count));
$("[data-clear]").addEventListener("click", () => {
  $("#q").value = "";
  for (const b of $$("[data-count]")) b.setAttribute("aria-pressed", "false");
  anew();
});
$("#q").addEventListener("keydown", (e) => { if (e.key !== "Escape" && e.key !== "Enter") return;
  const row = rows().includes(current()) ? current() : rows()[0];
  if (row) $(".who", row).focus();
});

// ---- the selected row is the row that holds focus, so there is nothing to keep in step
list.addEventListener("focusin", (e) => { const r = e.target.closest(".row"); if (r) select(r); });
list.addEventListener("click", (e) => {
  const row = e.target.closest(".row");
  if (e.target.closest("[data-opens]")) { open(row, !opened.has(row.dataset.key)); return; }
  const more = e.target.closest("[data-menu]");
  if (!more) return;
  select(row);
  $("[data-open]", menu).href = $(".who", row).href;
  const phone = $("[data-call]", menu);
  phone.hidden = !row.dataset.phone;
  phone.href = `tel:${(row.dataset.phone ?? "").replaceAll(" ", "")}`;
  put($("[data-call-number]", phone), row.dataset.phone ?? "");
  $("[data-limits]", menu).href = `${$(".who", row).href}#limits-h`;
  const observe = $("[data-observe]", menu); // an administrator has none
  if (observe) { observe.href = `${$(".who", row).href}#observe`; observe.hidden = !row.dataset.patient; }
  for (const b of $$("[data-one]", menu)) b.hidden = b.dataset.needs !== undefined && !row.dataset[b.dataset.needs];
  menu.showPopover(); under(menu, more);
});
const shelve = (list_) => { // one alarm alone has a form of its own, which names it
  const alarm = list_.length === 1 && list_[0].dataset.every?.split(" ").length === 1 && list_[0].dataset.snooze;
  if (alarm) htmx.ajax("GET", `/alarms/${alarm}/pause`, { source: $("[data-menu]", list_[0]), target: "#dialog", swap: "innerHTML" });
  else act("snooze", list_);
};
$("[data-shelve]", menu).addEventListener("click", () => { menu.hidePopover(); shelve([current()]); });
for (const b of $$("[data-one]", menu)) if (!b.matches("[data-shelve]")) b.addEventListener("click", () => { menu.hidePopover(); if (b.dataset.one === "pick") pick(current()); else act(b.dataset.one, [current()]); });

const go = (step, to) => {
  const all = rows(), at = all.indexOf(current()), r = all[Math.max(0, Math.min(all.length - 1, to ?? (at < 0 ? 0 : at + step)))];
  if (r) { $(".who", r).focus(); r.scrollIntoView({ block: "nearest" }); }
  return r;
};
const extend = (step) => { const from = current() ?? rows()[0]; if (!from) return; if ($("#picked").hidden) pick(from, true); pickTo(go(step), rows()); };
keys({
  j: () => go(1), arrowdown: () => go(1), k: () => go(-1), arrowup: () => go(-1), home: () => go(0, 0), end: () => go(0, Infinity),
  "shift+j": () => extend(1), "shift+arrowdown": () => extend(1), "shift+k": () => extend(-1), "shift+arrowup": () => extend(-1),
  enter: () => { const to = current() && $(".who", current()); if (to) to.click(); },
  x: () => pick(current() ?? go(0)), "shift+x": () => pickTo(current() ?? go(0), rows()), escape: pickNone,
  a: () => act("ack", chosen(current() ?? go(0))), o: () => act("outcome", chosen(current())), p: () => { const r = chosen(current()); if (r.length) shelve(r); },
  g: () => act("give", chosen(current())), n: () => act("note", chosen(current())), w: () => act("away", chosen(current())), c: () => act("call", [current()]),
  e: () => { const to = current() && $(".who", current()); if (to && current().dataset.patient) location.href = `${to.href}#observe`; },
  v: () => { const r = current(); if (r) open(r, !opened.has(r.dataset.key)); },
  f: () => press("mine"), h: () => { location.href = "/shift"; }, z: undo,
  u: update, m: toggleSound, "/": () => $("#q").focus(),
});

// ---- on a phone the next patient comes under the thumb; for a moment a second press does nothing, it was meant for the last one
const phone = matchMedia("(max-width: 40em)");
let pressed = null;
list.addEventListener("click", (e) => { const b = e.target.closest("[data-act=ack]"); if (b && phone.matches) pressed = b.closest(".row").dataset.key; });
document.addEventListener("vigil:changed", () => {
  const row = pressed && rowOf(pressed);
  pressed = null;
  if (!row || !phone.matches) return;
  const all = rows(), next = all.slice(all.indexOf(row) + 1).find((r) => $("[data-act=ack]", r));
  if (!next) return;
  scrollBy(0, next.getBoundingClientRect().top - row.getBoundingClientRect().top);
  list.classList.add("is-settling");
  setTimeout(() => list.classList.remove("is-settling"), 600);
});
