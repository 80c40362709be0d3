// Sound: three short tones for a high, one for the others. The button says "on" only while the browser lets the page sound.
// Before the first gesture it does not: then a press turns sound on. Afterwards a press pauses it for two minutes.
import { $, clock, say } from "./desk.js";

const PAUSE_S = 120;
const button = $("[data-sound]");
let until = 0, context = null, shown = "";
try { context = new AudioContext(); } catch { /* no sound here: the button says so */ }

const paused = () => until > Date.now();
const running = () => context?.state === "running";
const WORDS = { on: "Sound on", off: "Sound off: press to turn on", paused: "Sound paused", none: "No sound here" };
const show = () => {
  if (!button) return;
  const state = !context ? "none" : !running() ? "off" : paused() ? "paused" : "on";
  if (state !== shown) {
    shown = button.dataset.sound = state;
    button.setAttribute("aria-pressed", state === "paused");
    $("use", button).setAttribute("href", state === "on" ? "#i-sound" : "#i-mute");
    $("[data-sound-text]", button).textContent = WORDS[state];
    $("[data-sound-left]", button).hidden = state !== "paused";
  }
  if (state === "paused") $("[data-sound-left]", button).textContent = clock(Math.ceil((until - Date.now()) / 1000));
};
const allow = () => context?.resume().then(show, show);
export const toggle = () => {
  if (!running()) {
    until = 0;
    allow()?.then(() => { say(running() ? "Sound on" : "The browser does not let this page sound."); tone(587, 0, 0.05); });
    return;
  }
  until = paused() ? 0 : Date.now() + PAUSE_S * 1000;
  show();
  say(paused() ? "Sound paused for 2 minutes" : "Sound on");
};
button?.addEventListener("click", toggle);
context?.addEventListener("statechange", show);
show();
setInterval(show, 1000);
// any gesture lets the page sound; one on the button is the button's own
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, (e) => {
  if (!running() && !button?.contains(e.target)) allow();
});

const tone = (hertz, after, loud = 0.2) => {
  if (!running()) return;
  const sound = context.createOscillator(), gain = context.createGain(), at = context.currentTime + after;
  sound.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loud, at + 0.02);
  gain.gain.linearRampToValueAtTime(0, at + 0.18);
  sound.connect(gain).connect(context.destination);
  sound.start(at); sound.stop(at + 0.2);
};
// true if it could be heard
export const ring = (priority) => {
  if (!running() || paused()) return false;
  for (let i = 0; i < (priority === 3 ? 3 : 1); i++) tone(priority === 3 ? 880 : 587, i * 0.25);
  return true;
};

// a screen that shows no alarms any more says so as loudly as an alarm, and again each minute
const cry = (starts, stops, priority) => {
  let timer = 0;
  document.addEventListener(starts, () => { clearInterval(timer); ring(priority); timer = setInterval(() => ring(priority), 60_000); });
  if (stops) document.addEventListener(stops, () => clearInterval(timer));
};
document.addEventListener("vigil:ending", () => ring(2));
cry("vigil:ended", null, 3);
cry("vigil:lost", "vigil:found", 2);
