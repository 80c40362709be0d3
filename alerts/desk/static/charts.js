// Five uPlot charts on one time axis. The server has worked out gaps, poor signal and limits; here they are only drawn.
import { $, say } from "./desk.js";

const CHARTS = [
  { key: "hr", height: 118, digits: 0 },
  { key: "spo2", height: 112, digits: 0 },
  { key: "rr", height: 112, digits: 0 },
  { key: "bp", height: 96, digits: 0 },
  { key: "temp", height: 126, digits: 1 },
];
const probe = document.body.appendChild(Object.assign(document.createElement("i"), { hidden: true }));
const ink = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
let data = null, plots = [];
// the server's range holds all values and limits; one that came since then widens it
const range = (key) => { const [lo, hi] = data.axes[key].range, v = data.lines[key]?.v ?? []; return [v.reduce((a, b) => Math.min(a, b), lo), v.reduce((a, b) => Math.max(a, b), hi)]; };

// a number that has just come: the last hour grows by it without being fetched again
export const append = (key, [text, , at, , poor]) => {
  const line = data?.lines[key], value = parseFloat(text);
  if (!line || !data.live || data.step || !at || poor || Number.isNaN(value) || at / 1000 <= (line.t.at(-1) ?? 0)) return;
  line.t.push(at / 1000); line.v.push(value);
};

const hatch = (ctx, x, y, w, h, colour) => {
  ctx.save(); ctx.beginPath(); ctx.rect(x, y, w, h); ctx.clip();
  ctx.strokeStyle = colour; ctx.lineWidth = devicePixelRatio; ctx.beginPath();
  for (let i = -h; i < w; i += 6 * devicePixelRatio) { ctx.moveTo(x + i, y + h); ctx.lineTo(x + i + h, y); }
  ctx.stroke(); ctx.restore();
};
const boxed = (u, draw) => {
  const { ctx, bbox: b } = u;
  ctx.save(); ctx.beginPath(); ctx.rect(b.left, b.top, b.width, b.height); ctx.clip();
  draw(ctx, b, (v) => u.valToPos(v, "x", true), (v) => u.valToPos(v, "y", true));
  ctx.restore();
};

// the limits of each stretch of time, as they were then: [x, width, low, high, where a high begins]
const stretches = (key, b, px) => data.limits[key].map(([from, lo, hi, highs], i, all) => {
  const x = i ? Math.max(b.left, px(from)) : b.left, to = i + 1 < all.length ? Math.max(b.left, px(all[i + 1][0])) : b.left + b.width;
  return [x, to - x, lo, hi, highs];
});

// where a point stands for a step of time: from its lowest to its highest value
const spread = (ctx, px, py, line) => {
  if (!line?.lo?.length) return;
  ctx.save(); ctx.globalAlpha = 0.22; ctx.fillStyle = ink("trace");
  const half = data.step / 2;
  line.t.forEach((at, i) => { const top = py(line.hi[i]); ctx.fillRect(px(at - half), top, px(at + half) - px(at - half), Math.max(py(line.lo[i]) - top, devicePixelRatio)); });
  ctx.restore();
};

// under the trace: the band within limits, the spread, poor signal
const under = (key) => (u) => boxed(u, (ctx, b, px, py) => {
  ctx.fillStyle = ink("band");
  for (const [x, w, lo, hi] of stretches(key, b, px)) {
    if (lo === null && hi === null) continue;
    const top = hi === null ? b.top : py(hi), bottom = lo === null ? b.top + b.height : py(lo);
    ctx.fillRect(x, top, w, bottom - top);
  }
  spread(ctx, px, py, data.lines[key]);
  for (const [from, to] of data.poor[key] ?? []) hatch(ctx, px(from), b.top, Math.max(2, px(to) - px(from)), b.height, ink("hatch"));
});

const gap = (ctx, b, px, [from, to]) => {
  const x = px(from), w = px(to) - x, r = devicePixelRatio;
  if (w < 2 * r) return;
  ctx.fillStyle = ink("surface"); ctx.fillRect(x, b.top, w, b.height);
  ctx.strokeStyle = ink("hatch"); ctx.lineWidth = r; ctx.setLineDash([4 * r, 3 * r]);
  ctx.strokeRect(x, b.top + 1, w, b.height - 2); ctx.setLineDash([]);
  if (w < 46 * r) return;
  ctx.fillStyle = ink("ink-2"); ctx.font = `${11 * r}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textAlign = "center"; ctx.textBaseline = "middle"; ctx.fillText("no data", x + w / 2, b.top + b.height / 2);
};

// over it: where a high begins, gaps, what is outside limits in a heavier stroke, pressure bars, alarms
const over = (key) => (u) => {
  const r = devicePixelRatio;
  boxed(u, (ctx, b, px, py) => {
    const outside = (v, at) => { const [, lo, hi] = data.limits[key].findLast(([from]) => from <= at) ?? data.limits[key][0]; return (lo !== null && v < lo) || (hi !== null && v > hi); };
    ctx.strokeStyle = ink("high-edge"); ctx.lineWidth = r; ctx.beginPath();
    for (const [x, w, , , highs] of stretches(key, b, px)) for (const v of highs) { const y = Math.round(py(v)) + 0.5; ctx.moveTo(x, y); ctx.lineTo(x + w, y); }
    ctx.stroke();
    for (const hole of data.gaps[key] ?? []) gap(ctx, b, px, hole);
    ctx.lineCap = "round"; ctx.lineJoin = "round";
    if (key === "bp") {
      for (const [t, sys, dia] of data.bp) {
        const x = px(t), out = sys !== null && outside(sys, t), w = 4 * r;
        ctx.lineWidth = (out ? 3 : 1.75) * r; ctx.strokeStyle = ink(out ? "trace-out" : "trace");
        ctx.beginPath();
        if (sys !== null && dia !== null) { ctx.moveTo(x, py(sys)); ctx.lineTo(x, py(dia)); }
        for (const v of [sys, dia]) if (v !== null) { ctx.moveTo(x - w, py(v)); ctx.lineTo(x + w, py(v)); }
        ctx.stroke();
      }
      return;
    }
    const { t, v } = data.lines[key], { longest } = data;
    ctx.strokeStyle = ink("trace-out"); ctx.lineWidth = 2.75 * r; ctx.beginPath();
    for (let i = 1; i < v.length; i++) if (outside(v[i], t[i]) && (key === "temp" || t[i] - t[i - 1] <= longest)) { ctx.moveTo(px(t[i - 1]), py(v[i - 1])); ctx.lineTo(px(t[i]), py(v[i])); }
    ctx.stroke();
  });
  flags(u, key);
};

// alarms: a line through every chart, the flag in a lane above the chart that it belongs to
const flags = (u, key) => {
  const { ctx, bbox: b } = u, r = devicePixelRatio, px = (v) => u.valToPos(v, "x", true);
  let taken = Infinity; // the newest label wins; older ones keep their flag
  ctx.save();
  for (const a of data.alarms.toReversed()) {
    const x = Math.max(px(a.at), b.left), own = a.vital === key, lane = b.top - 15 * r;
    if (x > b.left + b.width || px(a.to) < b.left) continue;
    if (px(a.at) >= b.left) {
      ctx.strokeStyle = ink(own ? "ink" : "control"); ctx.lineWidth = r; ctx.setLineDash(own ? [] : [2 * r, 3 * r]);
      ctx.beginPath(); ctx.moveTo(x, own ? lane : b.top); ctx.lineTo(x, b.top + b.height); ctx.stroke(); ctx.setLineDash([]);
    }
    if (!own) continue;
    const w = Math.min(Math.max(px(a.to) - x, 7 * r), b.left + b.width - x);
    ctx.fillStyle = ink(a.p); ctx.strokeStyle = ink(`${a.p}-edge`); ctx.lineWidth = r;
    ctx.fillRect(x, lane, w, 8 * r); ctx.strokeRect(x, lane, w, 8 * r);
    ctx.font = `600 ${11 * r}px ${getComputedStyle(document.body).fontFamily}`; ctx.textBaseline = "top"; ctx.fillStyle = ink("ink");
    const wide = ctx.measureText(a.text).width, room = x - wide - 6 * r > b.left;
    const from = room ? x - wide - 5 * r : x, to = room ? x + w : x + w + wide + 5 * r;
    if (to > Math.min(taken, b.left + b.width + r)) continue;
    ctx.textAlign = room ? "right" : "left";
    ctx.fillText(a.text, room ? x - 5 * r : x + w + 5 * r, lane - r);
    taken = from;
  }
  ctx.restore();
};

export const charts = (fetchSeries, zone, frame) => {
  const day = (t) => new Date(t * 1000).toLocaleDateString("en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short" });
  const hm = (t) => new Date(t * 1000).toLocaleTimeString("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  const told = $("#cursor"), usual = told.textContent, group = $("#charts");
  let hint = usual, asked = 0;
  const span = () => data.end - data.start, stamp = (t) => (span() > 86400 ? `${day(t)} ${hm(t)}` : hm(t));
  // the time axis names days once a window is longer than one
  const tick = (at, every) => (every >= 86400 || (span() > 86400 && hm(at) === "00:00") ? day(at) : hm(at));
  const nearest = (t, at) => { // the index of the last point at or before
    let lo = 0, hi = t.length;
    while (lo < hi) { const mid = (lo + hi) >> 1; if (t[mid] <= at) lo = mid + 1; else hi = mid; }
    return lo - 1;
  };
  const read = (at) => {
    if (at === null) { told.textContent = hint; return; }
    const said = CHARTS.filter((c) => c.key !== "bp").map((c) => {
      const { t, v } = data.lines[c.key], i = nearest(t, at), name = { hr: "HR", spo2: "SpO₂", rr: "RR", temp: "Temp" }[c.key];
      if (i < 0 || (c.key !== "temp" && at - t[i] > data.longest)) return `${name} no data`;
      return `${name} ${v[i].toFixed(c.digits)}${c.key === "temp" ? ` °C (${stamp(t[i])})` : ""}`;
    });
    const bp = data.bp.filter((b) => b[0] <= at).at(-1);
    said.splice(3, 0, `BP ${bp ? `${[bp[1], bp[2]].map((v) => (v === null ? "–" : Math.round(v))).join("/")} (${stamp(bp[0])})` : "none"}`);
    told.textContent = `${stamp(at)}   ${said.join("   ")}`;
  };
  const draw = () => {
    if (!data) return;
    for (const p of plots) p.destroy();
    const font = `12px ${getComputedStyle(document.body).fontFamily}`, sync = uPlot.sync("vigil");
    const { start } = data, end = data.end + (data.live ? span() / 100 : 0);
    plots = CHARTS.map((c, n) => {
      const el = $(`#plot-${c.key}`), last = n === CHARTS.length - 1;
      const line = data.lines[c.key] ?? { t: data.bp.map((b) => b[0]), v: data.bp.map(() => null) };
      const broken = (data.gaps[c.key] ?? []).length > 0 && c.key !== "temp";
      const t = [], v = [];
      line.t.forEach((at, i) => {
        if (broken && i && at - line.t[i - 1] > data.longest) { t.push(at - 0.001); v.push(null); }
        t.push(at); v.push(line.v[i]);
      });
      return new uPlot({
        width: el.clientWidth, height: c.height, padding: [data.alarms.some((a) => a.vital === c.key) ? 20 : 8, 10, last ? 0 : 6, 0],
        legend: { show: false }, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone === "UTC" ? "Etc/UTC" : zone),
        cursor: { sync: { key: sync.key, scales: ["x", null] }, y: false, drag: { x: true, y: false, setScale: false }, points: { show: false } },
        scales: { x: { time: true, min: start, max: end }, y: { range: range(c.key) } },
        axes: [
          { show: true, size: last ? 28 : 0, stroke: ink("ink-3"), font, grid: { stroke: ink("gridline"), width: 1 }, ticks: { show: last, stroke: ink("line"), width: 1, size: 4 }, values: (u, s, _, __, every) => s.map((at) => (last ? tick(at, every) : "")), space: 80 },
          { size: 42, stroke: ink("ink-3"), font, grid: { stroke: ink("gridline"), width: 1 }, ticks: { show: false }, splits: () => data.axes[c.key].ticks },
        ],
        series: [{}, { stroke: ink("trace"), width: 1.5, points: { show: c.key === "temp", size: 4, fill: ink("trace") } }],
        hooks: { drawClear: [under(c.key)], draw: [over(c.key), (u) => { u.root.dataset.range = JSON.stringify([u.scales.y.min, u.scales.y.max]); }], setSelect: [(u) => { if (u.select.width > 8 && u.over.matches(":hover")) frame.stretch(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")); }], setCursor: [(u) => { if (u.cursor.left >= 0 && u.over.matches(":hover")) read(u.posToVal(u.cursor.left, "x")); }] },
      }, [t, v], el);
    });
    group.dataset.drawn = frame.query();
    const step = data.step ? `mean of ${data.step < 3600 ? `${data.step / 60} min` : `${data.step / 3600} h`}` : "each reading";
    $("#window").textContent = `${day(data.start)} ${hm(data.start)} – ${day(data.start) === day(data.end) ? "" : `${day(data.end)} `}${data.live ? "now" : hm(data.end)}, ${step}`;
    $("[data-spread]").hidden = !data.step;
  };
  const reload = async () => {
    const mine = ++asked;
    let found;
    try { found = await fetchSeries(); } catch { told.textContent = hint = `The charts end at ${data ? hm(data.now) : "no time"}: no answer came since. They are asked for again.`; setTimeout(reload, 5000); return; }
    if (mine !== asked) return; // another window was asked for since
    data = found;
    frame.shown(data.start, data.end);
    if (hint !== usual) { told.textContent = hint = usual; }
    for (const [key, text] of Object.entries(data.bands)) $(`[data-band="${key}"]`).textContent = text;
    draw();
  };
  let at = null, wait = 0;
  group.addEventListener("mouseleave", () => read(null));
  group.addEventListener("dblclick", frame.now);
  group.addEventListener("keydown", (e) => {
    if (frame.key(e)) { e.preventDefault(); return; }
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[e.key];
    if (!data || (!step && e.key !== "Home" && e.key !== "End")) return;
    e.preventDefault();
    const { start, end } = data, unit = Math.max(60, data.step);
    at = e.key === "Home" ? start : e.key === "End" ? end : Math.max(start, Math.min(end, (at ?? end) + step * unit));
    for (const p of plots) p.setCursor({ left: p.valToPos(at, "x"), top: 20 }, false);
    read(at);
    say(told.textContent);
  });
  addEventListener("resize", () => { clearTimeout(wait); wait = setTimeout(draw, 120); });
  addEventListener("themechange", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  setInterval(() => { if (data?.live && !data.step && !document.hidden) { const by = Math.max(0, (data.lines.hr.t.at(-1) ?? 0) - data.end); data.end += by; data.start += by; draw(); } }, 5000);
  reload();
  return { reload };
};
