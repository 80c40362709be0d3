// The hand-over page hears alarms too, and knows when it is disconnected.
import "./desk.js";
import { heard } from "./calls.js";
import { keys } from "./keys.js";
import { toggle } from "./sound.js";
import { listen } from "./stream.js";
import "./undo.js";

listen((event) => { if (event.calls) heard(event.calls); }, "none");
keys({ m: toggle });
