// The patient's page while it waits: asks for itself again and shows what has changed.  Without scripts it reloads instead.
const main = document.getElementById("main");
const every = 1000 * Number(main.dataset.live);

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.pathname, { headers: { "Vigil-Background": "1" }, cache: "no-store" });
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = next.getElementById("main");
      if (!answer.ok || !found || !found.dataset.live) return location.replace(location.pathname);
      show(found, next.title);
    } catch {
      // no network for a moment: the next look finds it again
    }
  }
  setTimeout(look, every);
}

// what somebody has opened stays open, and what they have reached stays under their hand
function show(found, title) {
  for (const one of opened()) {
    for (const other of found.querySelectorAll("details")) if (name(other) === name(one)) other.open = true;
  }
  if (found.innerHTML === main.innerHTML) return;
  const active = document.activeElement;
  const at = main.contains(active) ? [...main.querySelectorAll("button, summary")].indexOf(active) : -1;
  main.innerHTML = found.innerHTML;
  document.title = title;
  if (at >= 0) main.querySelectorAll("button, summary")[at]?.focus();
}

function opened() {
  return main.querySelectorAll("details[open]");
}

function name(one) {
  return one.querySelector("summary").textContent;
}

setTimeout(look, every);
