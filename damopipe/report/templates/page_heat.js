// The heat map: panels of areas on one canvas; brush, wheel and keys change what is shown, never what colours mean.
const LEFT = 70, RIGHT = 12, TITLE = 22, BOTTOM = 40;
const heat = { map: null, area: null, low: 0, high: 0, scale: "linear", panels: [], width: 0, isKey: false };

const themeName = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
};
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

async function showMap(target) {
  const found = about.maps.find((map) => map.target === target);
  $("heat").hidden = !found;
  heat.map = null;
  if (!found) return;
  heat.map = await loadMap(found);
  showArea(null);
  $("area").replaceChildren(new Option("all areas", ""), ...heat.map.areas.map((area) => new Option(area.title, area.number)));
  $("detail").textContent = found.detail;
}

function showArea(area, low = 0, high = area?.units ?? 0) {
  const width = Math.min(area?.units ?? 0, Math.max(1, high - low));
  heat.area = area;
  heat.low = Math.max(0, Math.min((area?.units ?? 0) - width, low));
  heat.high = heat.low + width;
  $("area").value = area ? area.number : "";
  redraw();
}

// Where each area stands, highest addresses first.
function layOut(width) {
  const shown = heat.area ? [heat.area] : [...heat.map.areas].reverse();
  const zoomed = heat.area && { low: heat.low, high: heat.high, height: 420 };
  let y = 0;
  heat.panels = shown.map((area) => {
    const panel = { area, low: 0, high: area.units, height: area.height, x: LEFT, y: y + TITLE, width: width - LEFT - RIGHT, ...zoomed };
    y = panel.y + panel.height + 4;
    return panel;
  });
  return y + BOTTOM;
}

function drawHeat() {
  if (!heat.map) return;
  const canvas = $("canvas"), width = Math.max(260, $("map").clientWidth), height = layOut(width);
  const sharp = Math.min(2, window.devicePixelRatio || 1);
  heat.width = width;
  if (canvas.width !== Math.round(width * sharp) || canvas.height !== Math.round(height * sharp)) {
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.setTransform(sharp, 0, 0, sharp, 0, 0);
  pen.clearRect(0, 0, width, height);
  const colours = palette(themeName()), colour = colourOf(heat.map.grid, heat.scale);
  let drawn = "cells";
  for (const panel of heat.panels) drawn = drawPanel(pen, panel, sharp, colours, colour);
  drawTimeAxis(pen, width, height);
  canvas.dataset.drawn = drawn;
  drawLegend(colours);
  drawCross();
}

function drawPanel(pen, panel, sharp, colours, colour) {
  const { area, x, y, width, height } = panel, wide = Math.round(width * sharp), high = Math.round(height * sharp);
  const image = new ImageData(wide, high), pixels = new Uint32Array(image.data.buffer);
  const box = { from: view.from, to: view.to, low: panel.low, high: panel.high };
  const whole = wholeSnapshots(heat.map.single, view.from, view.to);
  const single = whole && isLegible(heat.map, whole, wide, high, box, area);
  if (single) drawRegions(pixels, wide, high, heat.map, area, box, colours, colour, whole);
  else drawGrid(pixels, wide, high, heat.map, area, box, colours, colour);
  pen.putImageData(image, Math.round(x * sharp), Math.round(y * sharp));
  drawAddressAxis(pen, panel);
  return single ? "regions" : "cells";
}

function drawAddressAxis(pen, { area, x, y, height, low, high, width }) {
  const each = heat.map.unit, [unit, size] = axisUnit("bytes", (high - low) * each), full = heat.area === area;
  pen.fillStyle = css("--ink");
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.fillText(fitted(pen, area.title, width), x, y - 7);
  pen.fillStyle = pen.strokeStyle = css("--soft");
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  const marks = ticks((low * each) / size, (high * each) / size, Math.max(2, Math.floor(height / 40)));
  marks.forEach((mark, number) => {
    const at = y + height - ((mark * size) / each - low) / (high - low) * height;
    pen.fillRect(x - 5, at - 0.5, 5, 1);
    const text = `${full && low > 0 ? "+" : ""}${+mark.toPrecision(8)}`;
    pen.fillText(number === marks.length - 1 ? `${text} ${unit}` : text, x - 8, Math.min(y + height - 4, Math.max(y + 5, at)));
  });
}

function fitted(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && pen.measureText(`${text.slice(0, end)}…`).width > width) end = Math.floor(end * 0.95);
  return `${text.slice(0, end)}…`;
}

function drawTimeAxis(pen, width, height) {
  const y = height - BOTTOM, across = width - LEFT - RIGHT, [unit, each] = axisUnit("s", view.to);
  pen.fillStyle = css("--soft");
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const mark of ticks(view.from / each, view.to / each, Math.max(2, Math.floor(across / 90)))) {
    const x = LEFT + ((mark * each - view.from) / (view.to - view.from)) * across;
    pen.fillRect(x - 0.5, y - 2, 1, 5);
    pen.fillText(String(mark), Math.min(x, width - 14), y + 6);
  }
  pen.fillText(`time since the run began (${unit})`, LEFT + across / 2, y + 22);
}

function drawLegend(colours) {
  const { lowest, highest } = heat.map.grid, ramp = document.createElement("canvas"), first = heat.scale === "log" ? lowest : 0;
  ramp.setAttribute("aria-hidden", "true");
  ramp.width = 256;
  ramp.height = 1;
  const image = new ImageData(256, 1);
  new Uint32Array(image.data.buffer).set(colours.subarray(0, 256));
  ramp.getContext("2d").putImageData(image, 0, 0);
  $("legend").replaceChildren(percentText(first), ramp, `${percentText(highest)} of samples`);
  $("legend").setAttribute("aria-label", `Colours from ${percentText(first)} to ${percentText(highest)} of samples`);
}

function panelAt(y) {
  return heat.panels.find((panel) => y >= panel.y - TITLE && y <= panel.y + panel.height + 4) ?? null;
}

const timeAtPixel = (x) => view.from + (Math.max(0, Math.min(1, (x - LEFT) / (heat.width - LEFT - RIGHT)))) * (view.to - view.from);
const unitAtPixel = (panel, y) => panel.high - Math.max(0, Math.min(1, (y - panel.y) / panel.height)) * (panel.high - panel.low);

// Brush a part: its time everywhere, its addresses here; a flat brush is of time alone.
function brushed(start, end) {
  const panel = panelAt(start[1]);
  const [t0, t1] = [timeAtPixel(start[0]), timeAtPixel(end[0])].sort((a, b) => a - b);
  const isFlat = Math.abs(end[1] - start[1]) < 8, isThin = Math.abs(end[0] - start[0]) < 8;
  if (!isThin) showTime(t0, t1);
  if (panel && !isFlat) {
    const [low, high] = [unitAtPixel(panel, start[1]), unitAtPixel(panel, end[1])].sort((a, b) => a - b);
    showArea(panel.area, low, high);
  }
}

function showBrush(start, end) {
  $("brush").hidden = !start;
  if (!start) return;
  const panel = panelAt(start[1]) ?? heat.panels[0], isFlat = Math.abs(end[1] - start[1]) < 8;
  const x = [start[0], end[0]].map((one) => Math.max(LEFT, Math.min(heat.width - RIGHT, one))).sort((a, b) => a - b);
  const ends = isFlat ? [panel.y, panel.y + panel.height] : [start[1], end[1]];
  const y = ends.map((one) => Math.max(panel.y, Math.min(panel.y + panel.height, one))).sort((a, b) => a - b);
  Object.assign($("brush").style, { left: `${x[0]}px`, top: `${y[0]}px`, width: `${x[1] - x[0]}px`, height: `${y[1] - y[0]}px` });
}

function zoomHeat(factor, seconds, panel, place) {
  zoomTime(factor, seconds);
  const area = heat.area ?? (heat.map.areas.length === 1 ? heat.map.areas[0] : null);
  if (!area) return;
  const [low, high] = heat.area ? [heat.low, heat.high] : [0, area.units], around = place ?? (low + high) / 2;
  const width = (high - low) * factor;
  if (width >= area.units) showArea(heat.map.areas.length === 1 ? null : area);
  else showArea(area, around - (around - low) * factor, around - (around - low) * factor + width);
}

function resetHeat() {
  showArea(null);
  showTime(0, LAST);
}

// What is at a time and a place, in words: the region where it is in this file, else the mean of a cell.
function described(panel, seconds, unit) {
  const { map } = heat, { area } = panel, place = area.base + Math.floor(unit);
  const name = mappingAt(map, place, seconds) ?? "no mapping known";
  const snapshot = snapshotAt(map.single, seconds), region = snapshot < 0 ? -1 : regionAt(map.single, snapshot, place);
  if (region >= 0) return [name, ...regionText(map, snapshot, region, seconds)];
  const { grid, rates } = map, column = Math.floor(((seconds - grid.from) / (grid.to - grid.from)) * grid.times);
  const row = Math.min(area.rows - 1, Math.floor((unit / area.units) * area.rows)), cell = column < 0 ? 0 : area.cells[row * grid.times + Math.min(column, grid.times - 1)];
  const size = bytesText(area.bytes / area.rows), lasts = timeText((grid.to - grid.from) / grid.times);
  return [name, `${addressText(map, place)} at ${timeText(seconds, view.to - view.from)}`,
    cell ? `accessed in ${percentText(cell === 1 ? 0 : rates[cell])} of samples, the mean of ${size} and ${lasts}` : "not watched"];
}

function regionText(map, snapshot, region, seconds) {
  const { single, unit } = map, start = single.start[region], size = single.size[region];
  const rate = rateOf(map, snapshot, region), samples = single.samples[snapshot], lines = [];
  lines.push(`${addressText(map, start)} – ${addressText(map, start + size)}, ${bytesText(size * unit)}, at ${timeText(seconds, view.to - view.from)}`);
  lines.push(rate !== rate ? "its access rate is not known" : `accessed in ${single.accesses[region] - 1} of ${samples} samples (${percentText(rate)})`);
  if (single.referenced?.[region]) lines.push(`${bytesText(single.referenced[region] - 1)} of it referenced`);
  if (single.age[region]) lines.push(ageText(single, snapshot, region));
  return lines;
}

function ageText(single, snapshot, region) {
  const age = single.age[region] - 1, lasted = single.aggr[snapshot] ? ` (${timeText((age * single.aggr[snapshot]) / 1e6)})` : "";
  return `age ${age} aggregations${lasted}`;
}

function showTip(x, y) {
  const panel = panelAt(y);
  $("tip").hidden = !panel || x < LEFT || y < panel.y;
  if ($("tip").hidden) return;
  const [name, ...lines] = described(panel, timeAtPixel(x), Math.min(unitAtPixel(panel, y), panel.area.units - 1e-6));
  const title = document.createElement("strong"), text = document.createElement("div");
  title.textContent = name;
  text.textContent = lines.join("\n");
  $("tip").replaceChildren(title, text);
  const isRight = x > heat.width / 2;
  Object.assign($("tip").style, { left: isRight ? "" : `${x + 16}px`, right: isRight ? `${heat.width - x + 16}px` : "", top: `${y + 14}px` });
}

// The cross in the middle is the pointer of who uses keys.
function crossPlace() {
  const panel = heat.panels.reduce((tallest, one) => (one.height > (tallest?.height ?? 0) ? one : tallest), null);
  return panel && { panel, x: LEFT + panel.width / 2, y: panel.y + panel.height / 2 };
}

function drawCross() {
  if (!heat.isKey || !heat.map) return;
  const { panel, x, y } = crossPlace(), pen = $("canvas").getContext("2d");
  pen.lineWidth = 3;
  for (const [ink, wide] of [["#000", 4], ["#fff", 2]]) {
    pen.strokeStyle = ink;
    pen.lineWidth = wide;
    pen.beginPath();
    pen.moveTo(x - 9, y); pen.lineTo(x + 9, y); pen.moveTo(x, y - 9); pen.lineTo(x, y + 9);
    pen.stroke();
  }
  $("readout").textContent = described(panel, timeAtPixel(x), unitAtPixel(panel, y)).join(" · ");
}

function heatKey(event) {
  const place = crossPlace();
  if (!place || event.ctrlKey || event.metaKey || event.altKey) return;
  const move = (share) => heat.area && showArea(heat.area, heat.low + (heat.high - heat.low) * share, heat.high + (heat.high - heat.low) * share);
  const keys = {
    ArrowUp: () => move(0.1), ArrowDown: () => move(-0.1), Escape: resetHeat,
    "+": () => zoomHeat(0.6), "=": () => zoomHeat(0.6), "-": () => zoomHeat(1 / 0.6),
    Enter: () => { showMoment(timeAtPixel(place.x)); $("moment").scrollIntoView({ block: "nearest" }); },
  };
  heat.isKey = true;
  if (!keys[event.key]) { if (!timeKey(event)) heat.isKey = false; return; }
  event.preventDefault();
  keys[event.key]();
  redraw();
}

function onWheel(event) {
  if (!event.ctrlKey && document.activeElement !== $("map")) return;
  event.preventDefault();
  const box = $("map").getBoundingClientRect(), panel = panelAt(event.clientY - box.top);
  zoomHeat(event.deltaY > 0 ? 1.25 : 0.8, timeAtPixel(event.clientX - box.left), panel, panel && unitAtPixel(panel, event.clientY - box.top));
}

function startHeat() {
  const map = $("map");
  onView(drawHeat);
  onDrag(map, showBrush, brushed, (place) => showMoment(timeAtPixel(place[0])));
  map.addEventListener("pointermove", (event) => {
    const box = map.getBoundingClientRect(), x = event.clientX - box.left;
    heat.isKey = false;
    if (!heat.map) return;
    showTip(x, event.clientY - box.top);
    pointAt(x >= LEFT && x <= heat.width - RIGHT ? timeAtPixel(x) : null);
  });
  map.addEventListener("pointerleave", () => { $("tip").hidden = true; pointAt(null); });
  map.addEventListener("wheel", onWheel, { passive: false });
  map.addEventListener("dblclick", resetHeat);
  map.addEventListener("keydown", heatKey);
  map.addEventListener("blur", () => { heat.isKey = false; redraw(); });
  map.addEventListener("focus", () => { heat.isKey = map.matches(":focus-visible"); redraw(); });
  $("closer").addEventListener("click", () => zoomHeat(0.6));
  $("farther").addEventListener("click", () => zoomHeat(1 / 0.6));
  $("reset").addEventListener("click", resetHeat);
  $("scale").addEventListener("change", (event) => { heat.scale = event.target.value; redraw(); });
  $("area").addEventListener("change", (event) => showArea(event.target.value === "" ? null : heat.map.areas[event.target.value]));
}
