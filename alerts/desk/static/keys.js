// Keys: single letters act at once, wherever focus is, but in a field, a menu or a dialog; they can be turned off (WCAG 2.1.4).
import { $, $$ } from "./desk.js";

const OFF = "vigil-keys-off", box = $("#keys"), wanted = $("[data-keys-on]", box);
wanted.checked = !localStorage.getItem(OFF);
wanted.addEventListener("change", () => { if (wanted.checked) localStorage.removeItem(OFF); else localStorage.setItem(OFF, "1"); });
export const showKeys = () => { if (!box.open) box.showModal(); };
$("[data-close-keys]", box).addEventListener("click", () => box.close());
for (const b of $$("[data-show-keys]")) b.addEventListener("click", () => { b.closest("[popover]")?.hidePopover(); showKeys(); });

const FIELDS = "input:not([type=checkbox]), select, textarea, [contenteditable]";
const acts = {};
// acts: by key, in small letters; with Shift as "shift+j". "?" works whatever is turned off
export const keys = (more) => Object.assign(acts, more);
const ownUse = (e) => e.key === "Enter" && e.target.closest("a, button"); // a button's own key stays the button's
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || e.target.closest(FIELDS) || $("dialog[open]") || $("[popover]:popover-open")) return;
  const key = e.key.toLowerCase(), act = acts[e.shiftKey && key !== "?" && key.length > 0 && acts[`shift+${key}`] ? `shift+${key}` : key];
  if (key === "?") { e.preventDefault(); showKeys(); return; }
  if (!act || ownUse(e) || e.repeat && act.once) return;
  if (!wanted.checked && key.length === 1) return;
  e.preventDefault();
  act(e);
});

// in a form the digits choose, and Ctrl+Enter sends; so a dialog costs a key for the choice and Enter
document.addEventListener("keydown", (e) => {
  const form = e.target.closest?.("dialog form");
  if (!form) return;
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); form.requestSubmit(); return; }
  if (!/^[1-9]$/.test(e.key) || e.target.matches("textarea, select, input:not([type=radio])") || e.ctrlKey || e.metaKey || e.altKey) return;
  const choice = $$("input[type=radio]", $("fieldset", form) ?? form)[Number(e.key) - 1];
  if (!choice) return;
  e.preventDefault();
  choice.checked = true;
  choice.focus();
  choice.dispatchEvent(new Event("change", { bubbles: true }));
});
