// Pixels of a heat map. Colours stand for the same rates however close one looks.
function palette(theme) {
  const anchors = about.scale.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  const colours = new Uint32Array(257);
  const pack = ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red;
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (anchors.length - 1), low = Math.min(anchors.length - 2, Math.floor(place)), part = place - low;
    colours[i] = pack(anchors[low].map((channel, c) => Math.round(channel + (anchors[low + 1][c] - channel) * part)));
  }
  const grey = about.unwatched[theme];
  colours[256] = pack([1, 3, 5].map((at) => parseInt(grey.slice(at, at + 2), 16)));
  return colours;
}

// A function from a rate to the number of its colour; 256 is "not watched".
function colourOf({ lowest, highest }, scale) {
  if (scale === "linear") return (rate) => (rate !== rate ? 256 : Math.min(255, Math.round((rate / highest) * 255)));
  const steps = 255 / Math.log(highest / lowest);
  return (rate) => (rate !== rate ? 256 : rate <= lowest ? (rate > 0 ? 1 : 0) : Math.min(255, Math.round(Math.log(rate / lowest) * steps)));
}

// Which cells of `count` each of `pixels` stands for, where the pixels show [from, to) of the cells.
function spans(pixels, from, to, count) {
  const edges = new Int32Array(pixels * 2);
  for (let i = 0; i < pixels; i++) {
    const a = from + ((to - from) * i) / pixels, b = from + ((to - from) * (i + 1)) / pixels;
    edges[2 * i] = a >= 0 && a < count ? Math.floor(a) : b > 0 && a < 0 ? 0 : count;
    edges[2 * i + 1] = Math.min(count, Math.max(edges[2 * i] + 1, Math.floor(b)));
  }
  return edges;
}

// Each pixel is the mean of the watched cells that it covers.
function drawGrid(pixels, width, height, map, area, box, colours, colour) {
  const { grid, rates } = map, { cells, rows } = area, times = grid.times, toCell = times / (grid.to - grid.from);
  const across = spans(width, (box.from - grid.from) * toCell, (box.to - grid.from) * toCell, times);
  const up = spans(height, (box.low / area.units) * rows, (box.high / area.units) * rows, rows);
  const single = new Uint32Array(256);
  for (let q = 0; q < 256; q++) single[q] = colours[q === 0 ? 256 : colour(rates[q])];
  for (let y = 0; y < height; y++) {
    const r0 = up[2 * y], r1 = up[2 * y + 1], line = (height - 1 - y) * width;
    for (let x = 0; x < width; x++) {
      const c0 = across[2 * x], c1 = across[2 * x + 1];
      if (r1 - r0 === 1 && c1 - c0 === 1) { pixels[line + x] = single[cells[r0 * times + c0]]; continue; }
      let sum = 0, count = 0;
      for (let r = r0; r < r1; r++) {
        for (let i = r * times + c0, last = r * times + c1; i < last; i++) if (cells[i]) { sum += rates[cells[i]]; count++; }
      }
      pixels[line + x] = colours[count ? colour(sum / count) : 256];
    }
  }
}

// Region by region, where all snapshots of the time are there and are wide and high enough to be seen.
function drawRegions(pixels, width, height, map, area, box, colours, colour, [begin, end]) {
  const { single } = map, perSecond = width / (box.to - box.from), perUnit = height / (box.high - box.low);
  pixels.fill(colours[256]);
  for (let s = begin; s < end; s++) {
    const x0 = Math.max(0, Math.round((single.from[s] - box.from) * perSecond));
    const x1 = Math.min(width, Math.round((single.to[s] - box.from) * perSecond));
    for (let r = single.first[s]; r < single.first[s + 1]; r++) {
      const low = single.start[r] - area.base - box.low, high = low + single.size[r];
      if (high <= 0 || low * perUnit >= height) continue;
      const y0 = Math.max(0, Math.round(low * perUnit)), y1 = Math.min(height, Math.max(y0 + 1, Math.round(high * perUnit)));
      const ink = colours[colour(rateOf(map, s, r))];
      for (let y = y0; y < y1; y++) pixels.fill(ink, (height - 1 - y) * width + x0, (height - 1 - y) * width + x1);
    }
  }
}

// Whether single regions would be larger than pixels: below that, means of cells say more than the last that was drawn.
function isLegible({ single }, [begin, end], width, height, box, area) {
  const share = Math.min(1, (box.high - box.low) / area.units);
  const regions = (single.first[end] - single.first[begin]) / (end - begin);
  return (end - begin) * 2 <= width && regions * share * 1.5 <= height;
}
