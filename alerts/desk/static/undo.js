// The last act can be taken back for ten seconds: by its button or by Z.
import { $, say } from "./desk.js";

const SECONDS = 10, bar = $("#undo");
let last = null, timer = 0;

const hide = () => { clearInterval(timer); last = null; bar.hidden = true; };
document.addEventListener("vigil:undo", ({ detail }) => {
  last = detail;
  $("[data-undo-text]", bar).textContent = detail.text;
  bar.hidden = false;
  clearInterval(timer);
  let left = SECONDS;
  const show = () => { $("[data-undo-left]", bar).textContent = `${left} s`; if (left-- <= 0) hide(); };
  show();
  timer = setInterval(show, 1000);
});
export const undo = () => {
  if (!last) { say("There is nothing to undo."); return; }
  const { url, values } = last;
  hide();
  htmx.ajax("POST", url, { source: document.body, target: "#notices", swap: "innerHTML", values });
};
$("[data-undo]", bar).addEventListener("click", undo);
