/* A plot above each table that asks for one, drawn from what the table says: the table is the truth. */
(function () {
  "use strict";
  const LONGEST_LABEL = window.innerWidth < 600 ? 9 : 14;
  const look = getComputedStyle(document.documentElement);
  const token = (name) => look.getPropertyValue(`--${name}`).trim();
  const size = parseFloat(look.fontSize) || 16;
  const drawn = [];

  const valueOf = (cell) => (cell && cell.dataset.value !== undefined ? Number(cell.dataset.value) : null);
  const wordsOf = (cell) => cell.textContent.trim().replace(/\s+/g, " ");
  const shortened = (text) => (text.length > LONGEST_LABEL ? `${text.slice(0, LONGEST_LABEL - 1)}…` : text);

  /* The columns with a tone over the rows that are no totals. */
  const readTable = (table) => {
    const rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("is-total"));
    const series = [...table.tHead.rows[0].cells]
      .map((head, place) => ({ head, place }))
      .filter(({ head }) => head.dataset.tone)
      .map(({ head, place }) => ({
        label: wordsOf(head),
        tone: head.dataset.tone,
        data: rows.map((row) => valueOf(row.cells[place])),
      }));
    return { labels: rows.map((row) => wordsOf(row.cells[0])), series };
  };

  const DASHES = { sky: [6, 3], amber: [2, 3], grey: [8, 3, 2, 3] };
  const POINTS = { blue: "circle", teal: "rect", sky: "triangle", amber: "rectRot", grey: "crossRot" };

  const datasetOf = (series, plot) => {
    const colour = token(`plot-${series.tone}`);
    const line = plot === "line";
    return {
      label: series.label,
      data: series.data,
      backgroundColor: colour,
      borderColor: line ? colour : token("paper"),
      borderWidth: line ? 2 : 1,
      borderDash: line ? DASHES[series.tone] || [] : [],
      pointStyle: POINTS[series.tone] || "circle",
      pointRadius: series.data.length > 20 ? 1.5 : 3.5,
      spanGaps: true,
      tension: 0,
      maxBarThickness: 40,
    };
  };

  const optionsOf = (plot, labels) => {
    const across = plot === "across";
    const stacked = plot === "stacked" || across;
    const numbers = { beginAtZero: true, stacked, ticks: { precision: 0 }, grid: { color: token("line") } };
    const names = {
      stacked,
      grid: { display: false },
      ticks: {
        autoSkip: !across,
        maxRotation: across ? 0 : 50,
        callback: (_value, place) => shortened(labels[place]),
      },
    };
    return {
      indexAxis: across ? "y" : "x",
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      interaction: { mode: "index", intersect: false, axis: across ? "y" : "x" },
      scales: across ? { x: numbers, y: names } : { x: names, y: numbers },
      plugins: {
        legend: { position: "bottom", align: "start", labels: { usePointStyle: plot === "line", boxWidth: size * 0.75, boxHeight: size * (plot === "line" ? 0.4 : 0.75) } },
        tooltip: { callbacks: { title: (items) => (items.length ? labels[items[0].dataIndex] : "") } },
      },
    };
  };

  const draw = (table) => {
    const plot = table.dataset.plot;
    const { labels, series } = readTable(table);
    if (!labels.length || !series.length) return;
    const box = document.createElement("div");
    box.className = plot === "across" ? "plot plot-across" : "plot";
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", wordsOf(table.caption));
    box.append(canvas);
    const scroll = table.parentElement;
    scroll.before(box);
    const type = plot === "line" ? "line" : "bar";
    const datasets = series.map((each) => datasetOf(each, plot));
    drawn.push(new Chart(canvas, { type, data: { labels, datasets }, options: optionsOf(plot, labels) }));
  };

  if (!window.Chart) return;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily || "sans-serif";
  Chart.defaults.font.size = size * 0.8125;
  Chart.defaults.color = token("ink");
  for (const table of document.querySelectorAll("table[data-plot]")) draw(table);
  window.addEventListener("beforeprint", () => drawn.forEach((plot) => plot.resize(640, 180)));
  window.addEventListener("afterprint", () => drawn.forEach((plot) => plot.resize()));
})();
