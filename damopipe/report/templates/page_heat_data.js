// A target's heat map as it was packed: the grid of each area, and single regions of the snapshots that are there.
async function loadMap(map) {
  const { grid, regions, target } = map;
  const [mapping, single, ...cells] = await Promise.all([
    unpackJson(`mappings-${target}`), loadRegions(target, regions),
    ...grid.areas.map((_, number) => unpack(`cells-${target}-${number}`)),
  ]);
  const rates = new Float64Array(256);
  for (let q = 2; q < 256; q++) rates[q] = grid.highest * ((q - 2) / grid.steps) ** 2;
  const origin = BigInt(regions.origin), unit = regions.unit;
  const areas = grid.areas.map((area, number) => ({
    ...area, number, cells: cells[number], first: BigInt(area.addr),
    base: Number((BigInt(area.addr) - origin) / BigInt(unit)), units: area.bytes / unit,
  }));
  return { ...map, target, rates, areas, single, mapping, unit, origin };
}

async function loadRegions(target, { snapshots, count, exact, of }) {
  const [from, to, samples, aggr, number, order] = await unpackColumns(`snapshots-${target}`, 6, snapshots);
  const [gap, size, accesses, age, referenced] = await unpackColumns(`regions-${target}`, exact ? 5 : 4, count);
  const start = new Float64Array(count), first = new Uint32Array(snapshots + 1);
  let at = 0;
  for (let s = 0; s < snapshots; s++) {
    first[s] = at;
    for (let end = 0, last = at + number[s]; at < last; at++) {
      start[at] = end + gap[at];
      end = start[at] + size[at];
    }
  }
  first[snapshots] = at;
  const seconds = (ns) => ns.map((one) => one / 1e9);
  return { from: seconds(from), to: seconds(to), end: to, samples, aggr, order, of, first, start, size, accesses, age, referenced };
}

// The first of ascending values that is above `value`.
function above(values, value, low = 0, high = values.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] > value) high = middle; else low = middle + 1;
  }
  return low;
}

// The snapshot with single regions whose aggregation was going on then; -1 if it is not in this file.
function snapshotAt(single, seconds) {
  const next = above(single.from, seconds) - 1;
  return next >= 0 && seconds <= single.to[next] ? next : -1;
}

// The snapshots that can be drawn region by region: those in a time of which none is missing; null if one is.
function wholeSnapshots({ from, to, order, of }, begins, ends) {
  const begin = above(to, begins), end = above(from, ends);
  if (begin >= end) return null;
  const isWhole = order[end - 1] - order[begin] === end - 1 - begin;
  const fromStart = from[begin] <= begins || order[begin] === (begin ? order[begin - 1] + 1 : 0);
  const toEnd = to[end - 1] >= ends || order[end - 1] === (end < order.length ? order[end] : of) - 1;
  return isWhole && fromStart && toEnd ? [begin, end] : null;
}

function regionAt(single, snapshot, place) {
  const begin = single.first[snapshot], end = single.first[snapshot + 1];
  const found = above(single.start, place, begin, end) - 1;
  return found >= begin && place < single.start[found] + single.size[found] ? found : -1;
}

const rateOf = (map, snapshot, region) =>
  (map.single.accesses[region] && map.single.samples[snapshot]
    ? Math.min(1, (map.single.accesses[region] - 1) / map.single.samples[snapshot]) : NaN);

// The mapping at a place: the newest that there was by then, else the first that came later.
function mappingAt({ mapping }, place, seconds) {
  let best = -1;
  for (let i = 0; i < mapping.from.length; i++) {
    if (mapping.from[i] > place || mapping.to[i] <= place) continue;
    const late = mapping.first[i] > seconds, worse = best >= 0 && mapping.first[best] > seconds;
    if (best < 0 || (worse ? mapping.first[i] < mapping.first[best] : !late && mapping.first[i] > mapping.first[best])) best = i;
  }
  return best < 0 ? null : mapping.names[mapping.name[best]];
}

const addressText = (map, place) => `0x${(map.origin + BigInt(Math.round(place)) * BigInt(map.unit)).toString(16)}`;
