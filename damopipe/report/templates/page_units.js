// Numbers as people read them, and round ticks.
const BYTES = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]];
const TIMES = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1], ["ms", 1e-3], ["µs", 1e-6]];

const short = (value) => (Math.abs(value) >= 1e4 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(3)));
const pick = (table, size) => table.find(([, each]) => Math.abs(size) >= each) ?? table[table.length - 1];

function bytesText(value) {
  const [unit, each] = pick(BYTES, value);
  return `${short(value / each)} ${unit}`;
}

// A time since the run began, as exact as `span` asks for: what is shown of a second is never cut at whole seconds.
function timeText(seconds, span = seconds) {
  if (seconds === 0) return "0 s";
  const [unit, each] = pick(TIMES, Math.abs(seconds) >= 60 && span < Math.abs(seconds) / 20 ? 1 : seconds);
  const digits = Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(Math.max(span, 1e-6) / each))));
  return `${+(seconds / each).toFixed(digits)} ${unit}`;
}

const percentText = (share) => `${+(share * 100).toPrecision(3)} %`;

const SHOWN = {
  "bytes": bytesText,
  "bytes/s": (value) => `${bytesText(value)}/s`,
  "%": (value) => `${+value.toPrecision(3)} %`,
  "s": (value) => timeText(value),
  "count": (value) => Math.round(value).toLocaleString("en"),
  "percentile": (value) => `p${value}`,
};

// The unit of an axis up to `largest`, and what one of it is: ["MiB", 1048576].
function axisUnit(unit, largest) {
  if (unit === "bytes" || unit === "bytes/s") {
    const [name, each] = pick(BYTES, largest);
    return [name + (unit === "bytes/s" ? "/s" : ""), each];
  }
  if (unit === "s") return pick(TIMES, largest);
  return [unit === "count" ? "" : unit, 1];
}

function ticks(from, to, most) {
  if (!(to > from)) return [from];
  const rough = (to - from) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((one) => one * power >= rough) * power;
  const made = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9; n++) made.push(+(n * step).toPrecision(12));
  return made;
}
