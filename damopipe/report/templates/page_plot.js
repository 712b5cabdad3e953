// One chart as SVG: axes, lines as steps, a brush. It knows nothing of what it draws.
const PLOT = { left: 70, right: 12, top: 8, bottom: 34, height: 190 };

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Lines of {from, to, value}; a value holds from `from` to `to`, and where there is a gap nothing is drawn.
function stepPath(line, xOf, yOf, begin, end, floor) {
  let path = "", open = false, last = null;
  const first = Math.max(0, above(line.to, begin) - 1);
  for (let i = first; i < line.to.length; i++) {
    const from = line.from[i] ?? line.to[i];
    if (from > end) break;
    const joins = open && Math.abs(xOf(from) - last) < 1.5;
    const y = yOf(line.value[i]).toFixed(1), x0 = (joins ? last : xOf(from)).toFixed(1), x1 = Math.max(xOf(line.to[i]), xOf(from) + 0.8);
    if (!joins) path += floor === null ? `M${x0},${y}` : `${open ? `V${floor}Z` : ""}M${x0},${floor}V${y}`;
    path += joins ? `V${y}H${x1.toFixed(1)}` : `H${x1.toFixed(1)}`;
    last = x1;
    open = true;
  }
  return path + (open && floor !== null ? `V${floor}Z` : "");
}

function linePath(line, xOf, yOf, floor) {
  const points = line.x.map((x, i) => (line.value[i] === null ? null : `${xOf(x).toFixed(1)},${yOf(line.value[i]).toFixed(1)}`)).filter(Boolean);
  if (!points.length) return "";
  const drawn = `M${points.join("L")}`;
  return floor === null ? drawn : `${drawn}V${floor}H${xOf(line.x[0]).toFixed(1)}Z`;
}

// The frame of a chart: scales of both axes, and the SVG with rules, ticks and labels.
function frame(width, { x, y, label }) {
  const { left, right, top, bottom, height } = PLOT, across = width - left - right, up = height - top - bottom;
  const xOf = (value) => left + ((x.scale(value) - x.scale(x.from)) / (x.scale(x.to) - x.scale(x.from) || 1)) * across;
  const yOf = (value) => top + up - ((value - y.from) / (y.to - y.from || 1)) * up;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  const [unit, each] = axisUnit(y.unit, Math.max(Math.abs(y.to), Math.abs(y.from)));
  const marks = ticks(y.from / each, y.to / each, 4);
  marks.forEach((mark, number) => {
    const at = yOf(mark * each);
    root.append(svg("line", { class: "rule", x1: left, x2: left + across, y1: at, y2: at }),
      svg("text", { x: left - 8, y: at + 4, "text-anchor": "end" }, `${short(mark)}${number === marks.length - 1 && unit ? ` ${unit}` : ""}`));
  });
  for (const [value, text] of x.marks(Math.max(2, Math.floor(across / 90)))) {
    const at = xOf(value);
    root.append(svg("line", { class: "axis", x1: at, x2: at, y1: top + up, y2: top + up + 4 }),
      svg("text", { x: Math.min(at, width - 12), y: top + up + 16, "text-anchor": "middle" }, text));
  }
  root.append(svg("line", { class: "axis", x1: left, x2: left + across, y1: top + up, y2: top + up }),
    svg("text", { x: left + across / 2, y: height - 4, "text-anchor": "middle" }, x.title));
  return { root, xOf, yOf, floor: (top + up).toFixed(1), across, up };
}

function timeAxis() {
  const [unit, each] = axisUnit("s", view.to);
  return {
    from: view.from, to: view.to, scale: (value) => value, title: `time since the run began (${unit})`,
    marks: (most) => ticks(view.from / each, view.to / each, most).map((mark) => [mark * each, String(mark)]),
  };
}

function percentAxis() {
  return { from: 0, to: 100, scale: (value) => value, title: "percentile of snapshots", marks: () => [0, 25, 50, 75, 95].map((p) => [p, `p${p}`]) };
}

// Times over several powers of ten: a logarithmic axis, with 0 at its left end.
function spanAxis(values, title) {
  const known = values.filter((value) => value > 0), least = Math.min(...known), most = Math.max(...known);
  const powers = [1e-3, 1e-2, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400, 604800];
  const marks = powers.filter((one) => one >= least * 0.999 && one <= most * 1.001);
  return {
    from: least, to: Math.max(most, least * 1.0001), scale: (value) => Math.log(Math.max(value, least)), title,
    marks: (count) => thinned(marks, count).map((one) => [one, timeText(one)]),
  };
}

const thinned = (list, most) => list.filter((_, number) => number % Math.ceil(list.length / most) === 0);
