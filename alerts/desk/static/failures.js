// An act that failed says so where it was tried, in words, until it succeeds or is closed.
import { $, $$, ended, say } from "./desk.js";

const NOT_DONE = {
  Acknowledge: "Not acknowledged", "Outcome…": "The form did not open", "Snooze…": "The form did not open", "Save outcome": "Outcome not saved",
  "Save limits": "Limits not saved", "Save observation": "Observation not saved", "End the snooze": "The snooze goes on",
};
const rows = new Map(); // the message of each row, by its id: a new form of the list gets it back

const named = (el) => {
  if (el.matches?.("[data-menu]")) return "The form did not open";
  const button = el.matches?.("form") ? $("button[type=submit]", el) : el, word = (button?.firstChild?.data ?? "").trim();
  return NOT_DONE[word] ?? (word.startsWith("Snooze until") ? "Not snoozed" : "Not done");
};
const message = (text, closed) => {
  const made = document.createElement("p"), close = document.createElement("button");
  made.className = "failed";
  made.setAttribute("role", "alert");
  Object.assign(close, { type: "button", className: "btn btn-small", textContent: "Close" }).addEventListener("click", closed);
  made.append(Object.assign(document.createElement("b"), { textContent: text }), close);
  return made;
};
const under = (row) => document.getElementById(`failed-${row.id}`);
const inRow = (row, text) => {
  under(row)?.remove();
  const line = document.createElement("tr"), cell = line.appendChild(document.createElement("td"));
  Object.assign(line, { id: `failed-${row.id}`, className: "failed-row" }).setAttribute("role", "row");
  Object.assign(cell, { colSpan: 13 }).setAttribute("role", "cell");
  cell.append(message(text, () => { rows.delete(row.id); line.remove(); }));
  row.after(line);
};
// where the person looks: the row, the strip or the form that they used
const placeOf = (el) => (el.closest("dialog form") && $(".body", el.closest("dialog form"))) || el.closest(".alarm-strip") || el.closest("form") || el.closest(".card .body") || $("#notices");
const clear = (place) => { for (const old of $$(":scope > .failed", place)) old.remove(); };

export const failed = (el, text) => {
  const row = el.closest(".row");
  if (row) { rows.set(row.id, text); inRow(row, text); return; }
  const place = placeOf(el), made = message(text, () => made.remove());
  clear(place);
  place.prepend(made);
};
export const succeeded = (el) => {
  const row = el.closest(".row");
  if (!row) { clear(placeOf(el)); return; }
  rows.delete(row.id);
  under(row)?.remove();
};
export const keepFailures = () => { for (const [id, text] of rows) { const row = document.getElementById(id); if (row) inRow(row, text); else rows.delete(id); } };

const isJson = (xhr) => xhr.getResponseHeader("content-type")?.startsWith("application/json");
const reason = (xhr) => {
  if (isJson(xhr)) { const said = JSON.parse(xhr.responseText); return Object.values(said.problems ?? {}).join("; ") || said.error; }
  if (xhr.status !== 409) return "Vigil could not do this: try again, and tell its operator if it fails again.";
  const notice = document.createElement("template");
  notice.innerHTML = xhr.responseText;
  return $("p", notice.content)?.textContent.trim() ?? "Somebody else was first: look at it again.";
};
const background = (e) => e.detail.requestConfig?.headers?.["Vigil-Background"];
const fails = (e, text) => {
  if (background(e)) setTimeout(() => htmx.trigger(e.detail.elt, "again"), 2000); // what a page asks by itself it asks again
  else failed(e.detail.elt, text(named(e.detail.elt)));
};
document.addEventListener("htmx:sendError", (e) => fails(e, (what) => `${what}: no connection to Vigil. Press again once it is back; until then agree by voice who goes.`));
document.addEventListener("htmx:timeout", (e) => fails(e, (what) => `${what}: Vigil did not answer in 15 s. It may have been done all the same: look at the alarm, then press again.`));
// what the server says as JSON is no part of a page
document.addEventListener("htmx:beforeSwap", (e) => { if (isJson(e.detail.xhr)) e.detail.shouldSwap = false; });
document.addEventListener("htmx:afterRequest", (e) => {
  const { xhr, elt } = e.detail;
  if (!xhr?.status) return;
  if (xhr.status === 401) ended();
  else if (xhr.status === 422 && !isJson(xhr)) return; // the form itself names the corrections
  else if (xhr.status >= 400) fails(e, (what) => `${what}: ${reason(xhr)}`);
  else succeeded(elt);
});
