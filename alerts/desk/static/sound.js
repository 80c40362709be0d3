// Sound: three short tones for a new high, one for a medium. A pause is two minutes long and says so.
import { $, clock, say } from "./desk.js";

const PAUSE_S = 120;
const button = $("[data-sound]");
let until = 0, context = null;

const show = () => {
  const left = Math.max(0, Math.ceil((until - Date.now()) / 1000)), paused = left > 0;
  if (button.getAttribute("aria-pressed") !== String(paused)) {
    button.setAttribute("aria-pressed", paused);
    $("use", button).setAttribute("href", paused ? "#i-mute" : "#i-sound");
    $("[data-sound-text]", button).textContent = paused ? "Sound paused" : "Sound on";
    $("[data-sound-left]", button).hidden = !paused;
  }
  if (paused) $("[data-sound-left]", button).textContent = clock(left);
};
export const toggle = () => {
  until = until > Date.now() ? 0 : Date.now() + PAUSE_S * 1000;
  show();
  say(until ? "Sound paused for 2 minutes" : "Sound on");
};
button?.addEventListener("click", toggle);
if (button) setInterval(show, 1000);
// a browser lets a page sound only after its first gesture
addEventListener("pointerdown", () => { context ??= new AudioContext(); }, { once: true });
addEventListener("keydown", () => { context ??= new AudioContext(); }, { once: true });

export const ring = (kind) => {
  if (!context || until > Date.now()) return;
  for (let i = 0; i < (kind === "high" ? 3 : 1); i++) {
    const tone = context.createOscillator(), gain = context.createGain(), at = context.currentTime + i * 0.25;
    tone.frequency.value = kind === "high" ? 880 : 587;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.2, at + 0.02);
    gain.gain.linearRampToValueAtTime(0, at + 0.18);
    tone.connect(gain).connect(context.destination);
    tone.start(at); tone.stop(at + 0.2);
  }
};
