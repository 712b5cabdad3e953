// The time that is shown, everywhere the same; who draws listens. Times are seconds since the run began.
const view = {
  from: 0,
  to: about.seconds || 1,
  cursor: null,
  target: about.maps[0]?.target ?? about.targets[0]?.id ?? null,
  drawers: [],
  pointers: [],
};
const LAST = about.seconds || 1;
const LEAST = Math.max(1e-6, LAST / 1e6);

function onView(draw) { view.drawers.push(draw); }
function onCursor(draw) { view.pointers.push(draw); }

let asked = false;
function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    view.drawers.forEach((draw) => draw());
    document.documentElement.dataset.from = view.from;
    document.documentElement.dataset.to = view.to;
  });
}

function showTime(from, to) {
  const width = Math.min(LAST, Math.max(LEAST, to - from));
  view.from = Math.max(0, Math.min(LAST - width, from));
  view.to = view.from + width;
  redraw();
}

function zoomTime(factor, around = (view.from + view.to) / 2) {
  showTime(around - (around - view.from) * factor, around + (view.to - around) * factor);
}

function panTime(share) {
  const by = (view.to - view.from) * share;
  showTime(view.from + by, view.to + by);
}

function pointAt(seconds) {
  view.cursor = seconds;
  view.pointers.forEach((draw) => draw());
}

// Keys that all pictures over time have in common; true if it was one of them.
function timeKey(event) {
  const keys = {
    ArrowLeft: () => panTime(-0.1), ArrowRight: () => panTime(0.1), "+": () => zoomTime(0.6), "=": () => zoomTime(0.6),
    "-": () => zoomTime(1 / 0.6), Escape: () => showTime(0, LAST), Home: () => showTime(0, view.to - view.from),
    End: () => showTime(LAST - (view.to - view.from), LAST),
  };
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return false;
  event.preventDefault();
  keys[event.key]();
  return true;
}

// A drag over `element`: `moved` gets both ends in pixels while it lasts, `done` when it ends, `clicked` if it was none.
function onDrag(element, moved, done, clicked) {
  element.addEventListener("pointerdown", (down) => {
    if (down.button !== 0) return;
    const box = element.getBoundingClientRect();
    const place = (event) => [event.clientX - box.left, event.clientY - box.top];
    const start = place(down);
    const isDrag = (end) => Math.hypot(end[0] - start[0], end[1] - start[1]) > 5;
    element.setPointerCapture(down.pointerId);
    const move = (event) => isDrag(place(event)) && moved(start, place(event));
    const stop = (event) => {
      element.removeEventListener("pointermove", move);
      ["pointerup", "pointercancel"].forEach((kind) => element.removeEventListener(kind, stop));
      moved(null, null);
      if (event.type === "pointerup") (isDrag(place(event)) ? done : clicked)?.(start, place(event));
    };
    element.addEventListener("pointermove", move);
    ["pointerup", "pointercancel"].forEach((kind) => element.addEventListener(kind, stop));
  });
}
