// Tables that sort and search. Whole numbers are compared as such: an address has more digits than a JavaScript number.
function keyOf(cell) {
  if (cell.dataset.sort === undefined) return cell.textContent;
  if (cell.dataset.sort === "") return null;
  return /^-?\d+$/.test(cell.dataset.sort) ? BigInt(cell.dataset.sort) : Number(cell.dataset.sort);
}

function compare(a, b) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "string") return a.localeCompare(String(b), undefined, { numeric: true });
  return a < b ? -1 : a > b ? 1 : 0;
}

function sortBy(table, column, isDown) {
  const body = table.tBodies[0], rows = [...body.rows].map((row) => [keyOf(row.cells[column]), row]);
  const sign = isDown ? -1 : 1;
  rows.sort(([a], [b]) => (a === null || b === null ? compare(a, b) : sign * compare(a, b)));
  body.append(...rows.map(([, row]) => row));
  [...table.tHead.rows[0].cells].forEach((head, number) => {
    if (number === column) head.setAttribute("aria-sort", isDown ? "descending" : "ascending"); else head.removeAttribute("aria-sort");
  });
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort"), isNumber = !["text", "path"].some((kind) => head.classList.contains(kind));
      sortBy(table, column, before ? before === "ascending" : isNumber);
    });
  });
}

function makeSearchable(table, name) {
  const rows = () => [...table.tBodies[0].rows];
  const label = document.createElement("label"), input = document.createElement("input"), count = document.createElement("output");
  input.type = "search";
  label.append("Search ", input);
  const search = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean), all = rows();
    for (const row of all) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    const left = all.filter((row) => !row.hidden).length;
    count.textContent = left === all.length ? `${all.length} rows` : `${left} of ${all.length} rows`;
  };
  input.setAttribute("aria-label", `Search in ${name}`);
  input.addEventListener("input", search);
  const line = document.createElement("div");
  line.className = "search";
  line.append(label, count);
  (table.closest(".scroll") ?? table).before(line);
  search();
}

function equip(table) {
  makeSortable(table);
  if (table.tBodies[0].rows.length > 5) makeSearchable(table, table.caption?.textContent ?? "this table");
}

function startTables() {
  document.querySelectorAll("table[data-sortable]").forEach(equip);
  document.querySelectorAll("button[data-copy]").forEach((button) => button.addEventListener("click", () => copy(button)));
}

async function copy(button) {
  const source = $(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    getSelection().selectAllChildren(source);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

// The regions of the snapshot that a time falls into, or of the nearest that is in this file.
const MOST_ROWS = 2000;
const MOMENT = [["mapping", "path"], ["from", "address"], ["to", "address"], ["size", "bytes"], ["accessed", "share"], ["age", "count"]];

function showMoment(seconds) {
  const { map } = heat, { single } = map;
  if (!single.from.length) return;
  const next = Math.min(single.from.length - 1, above(single.to, seconds)), before = Math.max(0, next - 1);
  const gap = (s) => Math.max(0, single.from[s] - seconds, seconds - single.to[s]);
  const snapshot = gap(before) < gap(next) ? before : next;
  const begin = single.first[snapshot], end = Math.min(single.first[snapshot + 1], begin + MOST_ROWS);
  const table = document.createElement("table"), scroll = document.createElement("div");
  table.createCaption().textContent = "Regions at one moment";
  table.caption.className = "hidden";
  const heads = table.createTHead().insertRow();
  for (const [name, kind] of MOMENT) heads.append(Object.assign(document.createElement("th"), { textContent: name, className: kind, scope: "col" }));
  const body = table.createTBody();
  for (let region = begin; region < end; region++) momentRow(body.insertRow(), map, snapshot, region);
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  scroll.append(table);
  $("moment-table").replaceChildren(scroll);
  equip(table);
  const more = single.first[snapshot + 1] - end;
  $("moment-about").textContent = `The snapshot from ${timeText(single.from[snapshot], 1)} to ${timeText(single.to[snapshot], 1)}: `
    + `${(single.first[snapshot + 1] - begin).toLocaleString("en")} regions${more ? `, of which the first ${MOST_ROWS} are shown` : ""}.`
    + `${gap(snapshot) ? " It is the nearest in this file." : ""}`;
  const ts = BigInt(about.first) + BigInt(single.end[snapshot]);
  $("sql-moment").textContent = `FROM region_rate\nWHERE run_id = ${about.run} AND target_id = ${map.target} AND epoch_ns(ts) = ${ts}\nORDER BY start_addr`;
  $("moment").hidden = false;
  if (!heat.isKey) $("readout").textContent = `The regions at ${timeText(seconds, 1)} are listed below.`;
}

function momentRow(row, map, snapshot, region) {
  const { single, unit } = map, start = single.start[region], size = single.size[region], rate = rateOf(map, snapshot, region);
  const address = (place) => [addressText(map, place), BigInt(addressText(map, place))];
  const cells = [
    [mappingAt(map, start, single.to[snapshot]) ?? "–"], address(start), address(start + size), [bytesText(size * unit), size * unit],
    rate === rate ? [percentText(rate), rate] : ["–", ""],
    single.age[region] ? [ageText(single, snapshot, region).replace("age ", ""), single.age[region]] : ["–", ""],
  ];
  cells.forEach(([text, sort], number) => {
    const cell = row.insertCell();
    cell.textContent = text;
    cell.className = MOMENT[number][1];
    if (sort !== undefined) cell.dataset.sort = sort;
  });
}
