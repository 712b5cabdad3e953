// What the page was given: a little as JSON, the rest packed as page_pack.py says (base64 of zlib).
const $ = (id) => document.getElementById(id);
const about = JSON.parse($("about").textContent);

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function unpack(id) {
  const stream = new Blob([bytesOf($(`pack-${id}`).textContent)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function unpackJson(id) {
  return JSON.parse(new TextDecoder().decode(await unpack(id)));
}

// Whole numbers as eight planes of bytes a column, lowest first, two's complement; exact up to 53 bits.
async function unpackColumns(id, count, rows) {
  const bytes = await unpack(id);
  return Array.from({ length: count }, (_, column) => {
    const at = column * 8 * rows;
    const low = new Uint32Array(rows), high = new Int32Array(rows), values = new Float64Array(rows);
    for (let plane = 0; plane < 8; plane++) {
      const into = plane < 4 ? low : high, shift = (plane % 4) * 8, from = at + plane * rows;
      for (let i = 0; i < rows; i++) into[i] |= bytes[from + i] << shift;
    }
    for (let i = 0; i < rows; i++) values[i] = high[i] * 4294967296 + low[i];
    return values;
  });
}
