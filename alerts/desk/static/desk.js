// Shared parts of all pages: theme, menus, dialogs, forms' token, ages, use of the session.
export const $ = (q, el = document) => el.querySelector(q);
export const $$ = (q, el = document) => [...el.querySelectorAll(q)];
export const clock = (s) => `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
export const say = (text, urgent) => { $(urgent ? "#say-alert" : "#say").textContent = text; };

let ahead = 0; // the server's clock less ours, ms
export const setClock = (serverNow) => { ahead = serverNow - Date.now(); };
export const now = () => Date.now() + ahead;

const zone = document.documentElement.dataset.zone;
export const time = (ms, parts) => new Date(ms).toLocaleTimeString("en-GB", { timeZone: zone, ...parts }); // in the desk's zone

export const span = (ms) => {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 172800) return `${Math.floor(s / 86400)} d`;
  if (s >= 3600) return `${Math.floor(s / 3600)} h`;
  return s >= 60 ? `${Math.floor(s / 60)} min` : `${s} s`;
};

// theme: one choice, remembered
$("[data-theme-toggle]")?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("vigil-theme", root.dataset.theme);
  dispatchEvent(new Event("themechange"));
});

// menus that belong to a button: placed under it, kept on screen
export const under = (menu, button) => {
  const b = button.getBoundingClientRect(), m = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(b.right - m.width, innerWidth - m.width - 8))}px`;
  menu.style.top = `${b.bottom + m.height + 8 > innerHeight ? b.top - m.height - 4 : b.bottom + 4}px`;
};
for (const button of $$("[popovertarget]")) {
  const menu = document.getElementById(button.getAttribute("popovertarget"));
  menu.addEventListener("toggle", (e) => { if (e.newState === "open") under(menu, button); });
}

// the session's token goes with every request that htmx makes
document.addEventListener("htmx:configRequest", (e) => { e.detail.headers["X-CSRF-Token"] = document.body.dataset.csrf; });
// the session is over: the page stays, shows nothing of patients, and says so (sound.js makes it loud)
export const ended = () => {
  const box = $("#ended");
  if (!box || box.open) return;
  $("dialog[open]")?.close();
  $("[data-ended-at]", box).textContent = time(now());
  document.body.classList.add("is-ended");
  document.title = "Signed out · Vigil";
  box.addEventListener("cancel", (e) => e.preventDefault());
  box.showModal();
  document.dispatchEvent(new Event("vigil:ended"));
};

// requests that a page makes by itself, which do not count as use
export const quietly = async (url) => {
  const answer = await fetch(url, { headers: { "Vigil-Background": "1" } });
  if (answer.status === 401) ended();
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer;
};
let touched = Date.now();
for (const kind of ["pointerdown", "keydown", "wheel"]) addEventListener(kind, () => {
  if (Date.now() - touched < 60_000) return;
  touched = Date.now();
  fetch("/session/touch", { method: "POST" }).then(() => ends({ at: null })).catch(() => { touched = 0; });
}, { passive: true });

// the session ends soon: the screen says so before, once as loudly as an alarm, and counts down; any use of it keeps it
let endsAt = null;
export const ends = ({ at, idle }) => {
  const bar = $("#ending");
  if (!bar) return;
  if (at && !endsAt) { touched = 0; document.dispatchEvent(new Event("vigil:ending")); say("This screen signs out soon.", true); }
  endsAt = at;
  bar.hidden = !at;
  if (at) $("[data-ending-why]", bar).textContent = idle ? "because nobody uses it. Press any key to stay signed in." : "because the shift’s time is over. Sign in again to go on.";
};
setInterval(() => { if (endsAt) $("[data-ending-in]", $("#ending")).textContent = clock(Math.max(0, Math.round((endsAt - now()) / 1000))); }, 1000);

// dialogs come as forms from the server
const dialog = $("#dialog");
let back = null;
export const openedFrom = (element) => { back = element; };
if (dialog) {
  document.addEventListener("htmx:afterSwap", (e) => {
    if (e.detail.target !== dialog || !dialog.firstElementChild) return;
    if (dialog.open) { $(".summary-box", dialog)?.focus(); return; } // not saved: the corrections come first
    back ??= document.activeElement;
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    const row = back?.closest?.("[data-key]")?.dataset.key;
    (back?.isConnected ? back : row ? $(`#row-${row} .who`) : null)?.focus();
    back = null;
  });
  dialog.addEventListener("click", (e) => { if (e.target.closest("[data-cancel]")) dialog.close(); });
  document.addEventListener("vigil:done", () => dialog.close());
}
document.addEventListener("click", (e) => {
  if (e.target.closest("[data-dismiss]")) $("#notices").replaceChildren();
  if (e.target.closest("[data-print]")) print();
});
// a false alarm needs a reason; the snooze dialog shows its end
document.addEventListener("change", (e) => {
  if (e.target.name === "outcome") {
    const form = e.target.form, why = $("[data-false-why]", form);
    why.hidden = e.target.value !== "false_alarm";
    $("select", why).required = !why.hidden;
  }
  if (e.target.name === "minutes") showUntil();
});
const showUntil = () => {
  const form = $("#dialog form[data-shelve-form]"), minutes = form && $("input[name=minutes]:checked", form);
  if (minutes) $("[data-until]", form).textContent = time(now() + minutes.value * 60000, { hour: "2-digit", minute: "2-digit" });
};
document.addEventListener("htmx:afterSwap", showUntil);

// what is there already is not written again: a page that is watched for hours must not work for nothing
export const put = (el, text) => { if (el.textContent !== text) el.textContent = text; };
const YOUNG_MS = 15_000; // what is younger is "now" for a reader: its seconds are not counted
const newer = new WeakMap(); // the newest time, validity, mark and note of a cell since the server wrote it
const shownOf = (el) => newer.get(el) ?? { at: Number(el.dataset.age), fresh: Number(el.dataset.fresh), poor: el.dataset.poor, note: el.dataset.note };
const since = (ms) => (ms < YOUNG_MS ? `< ${YOUNG_MS / 1000} s` : span(ms));

// ages: a number grows old in place, without a message from the server
export const ageOf = (cell) => {
  const el = $("[data-age]", cell);
  if (!el) return;
  const { at, fresh, poor, note: about } = shownOf(el);
  if (!at) return;
  const age = now() - at, old = Boolean(poor) || age > fresh * 1000;
  const note = about ? ` · ${about}` : "";
  put(el, old ? `${span(age)} old${note}` : `${since(age)}${note}${el.dataset.suffix ?? ""}`);
  if (el.classList.contains("late") === old) return;
  el.classList.toggle("late", old);
  const num = $("[data-num]", cell);
  num.classList.toggle("old", old);
  $("[data-trend]", cell).classList.toggle("gone", old);
  $(".spark", cell)?.classList.toggle("old", old);
};
let near = () => [document];
export const tickOnly = (roots) => { near = roots; };
export const tick = () => { for (const root of near()) tickIn(root); };
export const tickIn = (root) => {
  const at = now();
  for (const cell of $$("[data-cell]", root)) ageOf(cell);
  for (const el of $$("[data-since]", root)) put(el, span(at - Number(el.dataset.since)));
  for (const el of $$("[data-seen]", root)) if (el.dataset.seen) {
    const age = at - Number(el.dataset.seen);
    put(el, `seen ${since(age)}`);
    el.classList.toggle("late", age > 180_000);
  }
  for (const el of $$("[data-due]", root)) put(el, clock(Math.max(0, Math.round((Number(el.dataset.due) - at) / 1000))));
};
setInterval(tick, 1000);

const TRENDS = { up: "rising fast", rise: "rising", flat: "steady", fall: "falling", down: "falling fast" };
// one cell's newest number: [text, level, at, fresh, poor, trend, note]
export const setCell = (cell, [text, level, at, fresh, poor, trend, note]) => {
  const num = $("[data-num]", cell), age = $("[data-age]", cell), arrow = $("[data-trend]", cell);
  if (!num || !age) return;
  if (num.firstChild?.data !== text || Boolean(level) !== num.classList.contains("out")) {
    num.textContent = text;
    if (level) num.append(Object.assign(document.createElement("span"), { className: "sr", textContent: " outside limits" }));
  }
  num.classList.toggle("out", Boolean(level));
  num.classList.toggle("is-high", level === "high");
  num.classList.toggle("is-medium", level === "medium");
  newer.set(age, { at: at ?? 0, fresh, note, poor });
  put($("[data-poor-word]", cell), poor);
  if (arrow && arrow.getAttribute("aria-label") !== (TRENDS[trend] ?? "no trend")) {
    arrow.toggleAttribute("hidden", !trend);
    if (trend) $("use", arrow).setAttribute("href", `#i-${trend}`);
    arrow.setAttribute("aria-label", TRENDS[trend] ?? "no trend");
  }
  if (!at) put(age, "");
  ageOf(cell);
};
