// What happens when the page opens, in order; `data-ready` on the root says when everything is drawn.
function startTheme() {
  const button = $("theme"), root = document.documentElement;
  const label = () => {
    const isDark = themeName() === "dark";
    button.textContent = isDark ? "Light" : "Dark";
    button.setAttribute("aria-pressed", isDark);
    button.setAttribute("aria-label", `Switch to ${isDark ? "light" : "dark"} colours`);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = themeName() === "dark" ? "light" : "dark";
    label();
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { label(); redraw(); });
  label();
}

// Paper is light.
function startPrint() {
  const root = document.documentElement;
  let before;
  matchMedia("print").addEventListener("change", ({ matches }) => {
    if (matches) before = root.dataset.theme;
    if (matches) root.dataset.theme = "light"; else if (before) root.dataset.theme = before; else delete root.dataset.theme;
    view.drawers.forEach((draw) => draw());
  });
}

async function showTarget(target) {
  view.target = target;
  document.querySelectorAll(".of-target").forEach((element) => { element.hidden = Number(element.dataset.target) !== target; });
  if ($("moment")) $("moment").hidden = true;
  if ($("heat")) await showMap(target);
  redraw();
}

async function start() {
  startTheme();
  startPrint();
  startTables();
  await startCharts();
  if ($("heat")) startHeat();
  if ($("bar")) {
    startOverview();
    $("all-time").addEventListener("click", () => (heat.map ? resetHeat() : showTime(0, LAST)));
    $("target")?.addEventListener("change", (event) => showTarget(Number(event.target.value)));
    if ($("target")) $("target").value = view.target;
    await showTarget(view.target);
  }
  new ResizeObserver(redraw).observe(document.body);
  redraw();
  requestAnimationFrame(() => requestAnimationFrame(() => {
    performance.mark("ready");
    document.documentElement.dataset.ready = "yes";
  }));
}

await start();
