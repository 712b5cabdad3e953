// The charts over time share what is shown; a brush in one of them is a brush in all.
const drawn = [];

function chartElement(chart) {
  const plot = document.querySelector(`[data-chart="${CSS.escape(chart.id)}"]`), figure = plot.closest("figure");
  const lines = chart.lines.map((line) => ({ ...line, isShown: !line.hidden }));
  const made = { chart, plot, figure, lines, legend: figure.querySelector(".lines"), buttons: [] };
  made.buttons = lines.map((line) => legendButton(made, line));
  made.legend.append(...made.buttons);
  return made;
}

function legendButton(made, line) {
  const button = document.createElement("button");
  button.type = "button";
  button.style.setProperty("--swatch", line.colour);
  button.textContent = line.name;
  button.setAttribute("aria-pressed", line.isShown);
  button.addEventListener("click", () => {
    line.isShown = !line.isShown;
    button.setAttribute("aria-pressed", line.isShown);
    redraw();
  });
  return button;
}

// The steps that are at least partly shown: [first, end).
function visible(line) {
  return [above(line.to, view.from), above(line.from.map ? line.to : line.to, view.to) + 1].map((at) => Math.min(at, line.to.length));
}

function valueAt(line, seconds) {
  const at = above(line.to, seconds - 1e-9);
  return at < line.to.length && (line.from[at] ?? line.to[at]) <= seconds + 1e-9 ? line.value[at] : null;
}

function limitsOf(made) {
  let low = 0, high = 0;
  for (const line of made.lines.filter((one) => one.isShown)) {
    const [first, end] = visible(line);
    for (let i = first; i < end; i++) { low = Math.min(low, line.value[i]); high = Math.max(high, line.value[i]); }
  }
  return [low, high * 1.05 || 1];
}

function drawSeries(made) {
  const { chart, plot, lines } = made;
  made.figure.hidden = chart.target !== null && chart.target !== view.target;
  if (made.figure.hidden) return;
  const [low, high] = limitsOf(made), width = Math.max(260, plot.clientWidth);
  const { root, xOf, yOf, floor, across, up } = frame(width, {
    x: timeAxis(), y: { from: low, to: high, unit: chart.unit }, label: `${chart.title}, ${lines.map((line) => line.name).join(", ")}`,
  });
  const clip = `clip-${chart.id.replace(/\W/g, "-")}`;
  root.append(svg("clipPath", { id: clip }, svg("rect", { x: PLOT.left, y: 0, width: across, height: PLOT.height })));
  const inside = svg("g", { "clip-path": `url(#${clip})` });
  for (const line of [...lines].reverse().filter((one) => one.isShown)) {
    if (line.filled) inside.append(svg("path", { d: stepPath(line, xOf, yOf, view.from, view.to, floor), fill: line.colour, "fill-opacity": 0.22 }));
    const path = stepPath(line, xOf, yOf, view.from, view.to, null);
    inside.append(svg("path", { class: "line", d: path, fill: "none", stroke: line.colour, "stroke-width": 2, "stroke-linejoin": "round" }));
  }
  made.cursor = svg("line", { class: "cursor", y1: PLOT.top, y2: PLOT.top + up, visibility: "hidden" });
  made.pick = svg("rect", { class: "pick", y: PLOT.top, height: up, visibility: "hidden" });
  root.append(inside, made.cursor, made.pick);
  plot.replaceChildren(root);
  made.xOf = xOf;
}

function pointSeries(made) {
  const seconds = view.cursor;
  made.cursor?.setAttribute("visibility", seconds === null ? "hidden" : "visible");
  made.lines.forEach((line, number) => {
    const value = seconds === null ? null : valueAt(line, seconds);
    made.buttons[number].textContent = value === null ? line.name : `${line.name} ${SHOWN[made.chart.unit](value)}`;
  });
  if (seconds === null || !made.xOf) return;
  for (const end of ["x1", "x2"]) made.cursor.setAttribute(end, made.xOf(seconds));
}

function brushTime(plot, made) {
  const across = () => plot.clientWidth - PLOT.left - PLOT.right;
  const secondsAt = (x) => view.from + Math.max(0, Math.min(1, (x - PLOT.left) / across())) * (view.to - view.from);
  const moved = (start, end) => {
    made.pick.setAttribute("visibility", start ? "visible" : "hidden");
    if (!start) return;
    const x = [start[0], end[0]].map((one) => Math.max(PLOT.left, Math.min(plot.clientWidth - PLOT.right, one))).sort((a, b) => a - b);
    made.pick.setAttribute("x", x[0]);
    made.pick.setAttribute("width", x[1] - x[0]);
  };
  onDrag(plot, moved, (start, end) => showTime(...[secondsAt(start[0]), secondsAt(end[0])].sort((a, b) => a - b)));
  plot.addEventListener("pointermove", (event) => pointAt(secondsAt(event.clientX - plot.getBoundingClientRect().left)));
  plot.addEventListener("pointerleave", () => pointAt(null));
  plot.addEventListener("dblclick", () => showTime(0, LAST));
  plot.addEventListener("keydown", timeKey);
  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", `${made.chart.title}: arrow keys move through time, + and − zoom, Esc shows the whole run`);
}

// The working set's percentiles of the time that is shown, by the rule of wss_percentiles.
function percentiles(target) {
  const line = drawn.find((made) => made.chart.id === `memory-${target}`)?.lines.find((one) => one.name === "working set");
  if (!line || (view.from <= 0 && view.to >= LAST)) return null;
  const [first, end] = [above(line.to, view.from), Math.min(line.to.length, above(line.to, view.to) + 1)];
  const sorted = line.value.slice(first, end).filter((_, i) => (line.from[first + i] ?? line.to[first + i]) < view.to).sort((a, b) => a - b);
  if (!sorted.length) return null;
  const x = Array.from({ length: 101 }, (_, p) => p);
  return [{ name: "working set", colour: line.colour, x, value: x.map((p) => sorted[Math.min(Math.floor((p / 100) * sorted.length), sorted.length - 1)]) }];
}

function drawCurve(made) {
  const { chart, plot } = made;
  made.figure.hidden = chart.target !== view.target;
  if (made.figure.hidden) return;
  const shownNow = (chart.kind === "distribution" && percentiles(chart.target)) || made.lines;
  const lines = shownNow.map((line, number) => ({ ...line, isShown: made.lines[number].isShown })).filter((line) => line.isShown);
  const values = lines.flatMap((line) => line.value).filter((value) => value !== null), high = Math.max(0, ...values) * 1.05 || 1;
  const title = chart.kind === "windows" ? "accessed within so long" : "for at least so long";
  const x = chart.across === "percentile" ? percentAxis() : spanAxis(made.lines.flatMap((line) => line.x), title);
  const { root, xOf, yOf, floor } = frame(Math.max(260, plot.clientWidth), { x, y: { from: 0, to: high, unit: chart.unit }, label: chart.title });
  for (const [number, line] of lines.entries()) {
    if (number === 0) root.append(svg("path", { d: linePath(line, xOf, yOf, floor), fill: line.colour, "fill-opacity": 0.18 }));
    root.append(svg("path", { class: "line", d: linePath(line, xOf, yOf, null), fill: "none", stroke: line.colour, "stroke-width": 2 }));
  }
  plot.replaceChildren(root);
  made.buttons.forEach((button, number) => { button.textContent = `${made.lines[number].name}${said(chart, shownNow[number])}`; });
}

function said(chart, line) {
  if (chart.kind !== "distribution") return "";
  const at = (p) => bytesText(line.value[line.x.indexOf(p)]);
  return `: p50 ${at(50)}, p95 ${at(95)}, max ${at(100)}`;
}

function drawOverview() {
  const box = $("overview"), width = box.clientWidth, height = box.clientHeight;
  if (!width) return;
  const line = drawn.find((made) => made.chart.id === `memory-${view.target}`)?.lines[0] ?? drawn.find((made) => made.chart.lines.length)?.lines[0];
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  root.append(svg("rect", { class: "back", x: 0, y: 0, width, height, rx: 4 }));
  if (line) {
    const most = line.value.reduce((a, b) => Math.max(a, b), 0) || 1;
    const path = stepPath(line, (x) => (x / LAST) * width, (y) => height - 2 - (y / most) * (height - 5), 0, LAST, height - 1);
    root.append(svg("path", { class: "all", d: path }));
  }
  const x = (view.from / LAST) * width, wide = Math.max(2, ((view.to - view.from) / LAST) * width);
  root.append(svg("rect", { class: "pick", x, y: 0.5, width: wide, height: height - 1 }));
  box.replaceChildren(root);
  const isAll = view.from <= 0 && view.to >= LAST, span = view.to - view.from;
  $("shown").textContent = isAll ? `all of ${timeText(LAST)}` : `${timeText(view.from, span)} – ${timeText(view.to, span)}`;
  $("all-time").disabled = isAll && !heat.area;
}

function startOverview() {
  const box = $("overview"), at = (x) => (Math.max(0, Math.min(box.clientWidth, x)) / box.clientWidth) * LAST;
  const show = (start, end) => showTime(...[at(start[0]), at(end[0])].sort((a, b) => a - b));
  const centre = (place) => { const half = (view.to - view.from) / 2; showTime(at(place[0]) - half, at(place[0]) + half); };
  onDrag(box, (start, end) => start && show(start, end), show, centre);
  box.addEventListener("keydown", timeKey);
  onView(drawOverview);
}

async function startCharts() {
  const { charts, curves } = await unpackJson("series");
  for (const chart of charts) {
    const made = chartElement(chart);
    drawn.push(made);
    brushTime(made.plot, made);
    onView(() => drawSeries(made));
    onCursor(() => pointSeries(made));
  }
  for (const curve of curves) {
    const made = chartElement(curve);
    onView(() => drawCurve(made));
  }
}
