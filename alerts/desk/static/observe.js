// Breaths are counted by pressing once for each; after half a minute the rate stands in its field.
import { $, clock } from "./desk.js";

let began = 0, breaths = 0, timer = 0;
const words = (text) => { const at = $("[data-breaths]"); if (at) at.textContent = text; };
const stop = () => { clearInterval(timer); timer = began = 0; };
document.addEventListener("click", (e) => {
  const button = e.target.closest("[data-breath]");
  if (!button) return;
  const seconds = Number(button.dataset.seconds);
  breaths += 1;
  if (timer) { words(`${breaths} breaths`); return; }
  began = performance.now(); breaths = 0; // the press that begins is the end of a breath, and not counted
  button.firstChild.data = "Breath";
  timer = setInterval(() => {
    const left = seconds - (performance.now() - began) / 1000;
    if (!button.isConnected) { stop(); return; }
    if (left > 0) { words(`${breaths} breaths, ${clock(Math.ceil(left))} left`); return; }
    const rate = Math.round(breaths * 60 / seconds);
    stop();
    button.firstChild.data = "Count again";
    $("#by-respiratory_rate").value = rate;
    words(`${breaths} breaths in ${seconds} s: ${rate} a minute.`);
  }, 250);
});
// the score and the rows follow what was saved
document.addEventListener("htmx:afterSwap", (e) => { if (e.detail.target.id === "observed") document.dispatchEvent(new Event("vigil:changed")); });
if (location.hash === "#observe") $("#by-respiratory_rate")?.focus();
