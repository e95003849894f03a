// SPDX-License-Identifier: Apache-2.0
"use strict";
// The curves. The program gives each its looks: the colour of its method, a marker and a dash, as in its figures
// (laconic/report/palette.h). The legend is a list of checkboxes beside the figure.

// The outlines of the markers, in a square of 10.
const kMarkers = {
  circle: "M9 5a4 4 0 1 1-8 0a4 4 0 1 1 8 0Z", square: "M1.5 1.5h7v7h-7Z", triangle: "M5 0.5L9.500 8.500H0.500Z", diamond: "M5 0L10 5L5 10L0 5Z",
  down: "M5 9.500L9.500 1.500H0.500Z", pentagon: "M5 0.500L9.500 3.900L7.800 9.200H2.200L0.500 3.900Z",
  plus: "M5 0V10M0 5H10", cross: "M1 1L9 9M9 1L1 9", star: "M5 0V10M0.700 2.500L9.300 7.500M9.300 2.500L0.700 7.500",
};

const darkScheme = window.matchMedia("(prefers-color-scheme: dark)");
let printing = false;
const themeNow = () => (darkScheme.matches && !printing ? "dark" : "light");

/** The median, and the ends of the range, of numbers. */
function middleOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return { low: sorted[0], median: sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2, high: sorted.at(-1) };
}

/** The value of a column at a round, between its rows; that of the last row if the run had ended. */
function valueAt(rounds, column, round) {
  const next = rounds.findIndex((each) => each >= round);
  if (next < 0) return column.at(-1);
  if (next === 0 || rounds[next] === round) return column[next];
  const share = (round - rounds[next - 1]) / (rounds[next] - rounds[next - 1]);
  return column[next - 1] + share * (column[next] - column[next - 1]);
}

/** One curve of runs that differ in their seeds: at each round the medians of the columns, and a band from the
 *  least to the greatest. It ends at the median of the runs' last rounds. */
function medianCurve(runs, label) {
  const ends = runs.map((run) => lastOf(run, "round")).sort((a, b) => a - b);
  const end = ends[ends.length >> 1];
  const rounds = [...new Set(runs.flatMap((run) => run.columns.round))].filter((round) => round <= end).sort((a, b) => a - b);
  const keys = Object.keys(runs[0].columns).filter((key) => runs.every((run) => run.columns[key]));
  const at = (key) => rounds.map((round) => middleOf(runs.map((run) => valueAt(run.columns.round, run.columns[key], round))));
  const middles = Object.fromEntries(keys.map((key) => [key, at(key)]));
  return { ...runs[0], label, runs, columns: Object.fromEntries(keys.map((key) => [key, middles[key].map((each) => each.median)])), bands: middles };
}

/** The curves of a group: those of single runs are the runs themselves. */
function curvesOf(group) {
  return group.curves.flatMap(({ label, runs: places, looks }) => {
    const runs = places.map((place) => group.runs[place]).filter(Boolean);  // a large page leaves out the last runs
    for (const run of runs) run.looks = looks;
    return runs.length > 1 ? [medianCurve(runs, label)] : runs;
  });
}

/** A sample of the run's curve, for legends and tables. */
function swatch(run) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [name, value] of Object.entries({ class: "swatch", viewBox: "0 0 38 12", "aria-hidden": "true" }))
    svg.setAttribute(name, value);
  const colour = run.looks[themeNow()];
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", "M0 6H38");
  line.setAttribute("stroke", colour);
  line.setAttribute("stroke-width", "2.5");
  line.setAttribute("stroke-dasharray", run.looks.dash.join(" "));
  const marker = document.createElementNS(space, "path");
  marker.setAttribute("d", kMarkers[run.looks.marker]);
  marker.setAttribute("transform", "translate(14 1)");
  marker.setAttribute("stroke", colour);
  marker.setAttribute("stroke-width", "1.5");
  marker.setAttribute("fill", run.looks.full ? colour : "var(--card)");
  svg.append(line, marker);
  return svg;
}

const ofStyle = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** Colours of text, lines and background: those of the page, or those of a file on white. */
function inks(theme, forFile) {
  if (forFile || printing) return { text: "#1c2126", soft: "#444", line: "#999", grid: "#e4e7ea", ground: "#fff" };
  return { text: ofStyle("--text"), soft: ofStyle("--soft"), line: ofStyle("--line"), grid: ofStyle("--grid"),
           ground: ofStyle("--card") };
}

/** Whether one of these runs has a nonzero value in the column. */
const hasAny = (runs, key) => runs.some((run) => run.columns[key]?.some((value) => value !== 0));

/** The columns that can be drawn: those that at least one run has. */
const columnsOf = (axes, runs) => axes.filter((axis) => hasAny(runs, axis.key) || (axis.key === "f" && runs.some((run) => run.columns.f)));

/** The run's points, without those that a logarithmic axis cannot show. */
function pointsOf(run, view) {
  const across = run.columns[view.x.key];
  const upwards = run.columns[view.y.key];
  if (!across || !upwards) return [];
  const points = [];
  for (let row = 0; row < across.length; ++row) {
    const x = across[row];
    const y = upwards[row];
    if (!Number.isFinite(x) || !Number.isFinite(y) || (view.logX && x <= 0) || (view.logY && y <= 0)) continue;
    points.push([x, y]);
  }
  return points;
}

/** The points of the band of a curve of several runs, with its lower and upper ends. */
function bandOf(curve, view) {
  const across = curve.columns[view.x.key];
  const upwards = curve.bands?.[view.y.key];
  if (!across || !upwards) return [];
  return upwards.map(({ low, high }, row) => [across[row], low, high])
    .filter(([x, low, high]) => [x, low, high].every(Number.isFinite) && !(view.logX && x <= 0) && !(view.logY && low <= 0));
}

/** The band as a series of ECharts: one polygon below the curves. */
function bandSeries(curve, view, colour) {
  const band = bandOf(curve, view);
  return {
    type: "custom", id: `band ${curve.index}`, silent: true, tooltip: { show: false }, clip: true, z: 1, data: band,
    encode: { x: 0, y: [1, 2] },
    renderItem: (params, api) => params.dataIndex > 0 ? null : {
      type: "polygon", silent: true, style: { fill: colour, opacity: 0.2 },
      shape: { points: [...band.map(([x, , high]) => api.coord([x, high])), ...band.toReversed().map(([x, low]) => api.coord([x, low]))] },
    },
  };
}

/** The runs that are drawn: those that are not hidden and have points. */
const drawnRuns = (view) => view.runs.filter((run) => !view.hidden.has(run.index) && pointsOf(run, view).length > 0);

/** The points of a curve; about eight of them have a marker. */
function withMarkers(points, view, range, offset) {
  const place = (x) => (view.logX ? Math.log10(x / range[0]) / Math.log10(range[1] / range[0]) : (x - range[0]) / (range[1] - range[0]));
  let next = offset;
  return points.map((value) => {
    const at = place(value[0]);
    if (!(at >= next) && points.length > 8) return { value, symbol: "none" };
    while (next <= at) next += 1 / 8;
    return { value };
  });
}

/** The upper limit of the vertical axis if a run diverges, so that the other runs remain visible. */
function ceiling(runs, view) {
  const starts = runs.map((run) => pointsOf(run, view)[0]?.[1]).filter(Number.isFinite);
  const all = runs.flatMap((run) => pointsOf(run, view).map((point) => point[1]));
  const most = all.reduce((a, b) => Math.max(a, b), -Infinity);
  const top = Math.max(...starts.map(Math.abs), 1e-300) * (view.logY ? 1e4 : 20);
  return most > top && view.y.key !== "consensus" ? top : undefined;
}

/** Ends and step of a logarithmic axis, in whole powers of ten, with at most `most` marks. A range of about
 *  one power of ten ends at values with one digit. */
function powersOf(least, top, most) {
  if (top / least < 15) {
    const digit = (value, round) => Number((round(value / 10 ** Math.floor(Math.log10(value))) * 10 ** Math.floor(Math.log10(value))).toPrecision(2));
    return { min: digit(least, Math.floor), max: digit(top * 1.0001, Math.ceil) };
  }
  const low = Math.floor(Math.log10(least) + 1e-9);
  const high = Math.max(Math.ceil(Math.log10(top) - 1e-9), low + 1);
  const step = Math.ceil((high - low) / most);
  return { min: 10 ** (high - step * Math.ceil((high - low) / step)), max: 10 ** high, interval: step };
}

/** The height of a legend with entries that wrap at this width. */
function heightOfLegend(labels, width) {
  let lines = 1;
  let used = 0;
  for (const label of labels) {
    const needs = 54 + 6.9 * label.length;
    if (used > 0 && used + needs > width) {
      ++lines;
      used = 0;
    }
    used += needs;
  }
  return 25 * lines + 10;
}

/** The options for ECharts. `forFile`: on white, with a legend inside. */
function figureOption(view, { forFile = false, width = 900, tooltip = undefined } = {}) {
  const theme = forFile ? "light" : themeNow();
  const ink = inks(theme, forFile);
  const runs = drawnRuns(view);
  const xs = runs.flatMap((run) => pointsOf(run, view).map((point) => point[0]));
  const range = [xs.reduce((a, b) => Math.min(a, b), Infinity), xs.reduce((a, b) => Math.max(a, b), -Infinity)];
  const short = (text) => (text.length > 110 ? text.slice(0, 109) + "…" : text);
  const legendHeight = forFile ? heightOfLegend(runs.map((run) => short(run.label)), width - 40) : 0;
  const highest = ceiling(runs, view);
  const ys = view.logY ? runs.flatMap((run) => pointsOf(run, view).map((point) => point[1])) : [];
  const extent = (values, most) => powersOf(values.reduce((a, b) => Math.min(a, b)), highest && values === ys ? highest : values.reduce((a, b) => Math.max(a, b)), most);
  const axis = (column, logarithmic, gap) => ({
    type: logarithmic ? "log" : "value", name: column.name, nameLocation: "middle", nameGap: gap,
    scale: column.key !== "round", nameTextStyle: { color: ink.text, fontSize: 13 },
    axisLine: { show: true, lineStyle: { color: ink.line } }, axisTick: { show: false },
    axisLabel: { color: ink.soft, fontSize: 12, hideOverlap: true, formatter: (value) => tic(column.format, logarithmic, value) },
    splitLine: { lineStyle: { color: ink.grid } },
  });
  return {
    animation: false,
    backgroundColor: ink.ground,
    textStyle: { fontFamily: forFile ? "sans-serif" : ofStyle("--sans"), color: ink.text },
    title: forFile ? { text: short(view.title), left: 20, top: 12, textStyle: { fontSize: 15, fontWeight: 600, color: ink.text } } : undefined,
    grid: { left: width < 500 ? 66 : 84, right: 40, top: forFile ? 52 : 22, bottom: 58 + legendHeight },
    legend: forFile ? { show: true, data: runs.map((run) => run.label), bottom: 6, left: 20, right: 20, itemGap: 12, itemWidth: 34, textStyle: { color: ink.text, fontSize: 12 }, formatter: short } : { show: false },
    tooltip,
    xAxis: { ...axis(view.x, view.logX, 32), splitNumber: width < 500 ? 3 : 6,
             ...(view.logX && xs.length ? extent(xs, width < 500 ? 4 : 10) : {}) },
    yAxis: { ...axis(view.y, view.logY, width < 500 ? 50 : 64), max: highest, ...(ys.length ? extent(ys, 8) : {}) },
    series: [...runs.map((run, nth) => {
      const { [theme]: colour, marker, full, dash } = run.looks;
      return {
        type: "line", name: run.label, id: String(run.index), showAllSymbol: true, clip: true, z: dash.length ? 3 : 2,
        symbol: `path://${kMarkers[marker]}`, symbolKeepAspect: true, symbolSize: 8, emphasis: { focus: "series", lineStyle: { width: 3 } },
        lineStyle: { color: colour, width: 2, type: dash.length ? dash : "solid" },
        itemStyle: { color: full ? colour : ink.ground, borderColor: colour, borderWidth: 1.5 },
        data: withMarkers(pointsOf(run, view), view, range, (nth % 5) / 40),
      };
    }), ...runs.filter((run) => run.bands).map((run) => bandSeries(run, view, run.looks[theme]))],
  };
}

/** The last point with at most that cost; none if the run had ended before. */
function lastBefore(points, cost) {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= cost) low = middle + 1;
    else high = middle;
  }
  return low > 0 && (low < points.length || points[low - 1][0] === cost) ? points[low - 1] : undefined;
}

class Figure {
  constructor(box, spoken) {
    this.box = box;
    this.spoken = spoken;
    this.chart = echarts.init(box, null, { renderer: "svg" });
    this.pointer = null;  // position of the mouse on the figure
    this.at = -1;         // row selected by arrow keys
    this.chart.getZr().on("mousemove", (event) => (this.pointer = [event.offsetX, event.offsetY]));
    box.addEventListener("keydown", (event) => this.walk(event));
    box.addEventListener("blur", () => this.chart.dispatchAction({ type: "hideTip" }));
    new ResizeObserver(() => this.fit()).observe(box);
  }

  fit() {
    if (this.box.clientWidth === this.chart.getWidth() && this.box.clientHeight === this.chart.getHeight()) return;
    this.chart.resize();
    if (this.view) this.draw(this.view);
  }

  draw(view) {
    this.view = view;
    this.box.setAttribute("aria-label", `${view.y.name} against ${view.x.name}: ${drawnRuns(view).length} of ${view.runs.length} curves`);
    const tooltip = {
      trigger: "axis", transitionDuration: 0, confine: true, backgroundColor: ofStyle("--card"), borderColor: ofStyle("--line"),
      textStyle: { color: ofStyle("--text") }, axisPointer: { type: "line", lineStyle: { color: ofStyle("--soft") } },
      formatter: (params) => this.tip(params),
    };
    this.chart.setOption(figureOption(view, { width: this.chart.getWidth(), tooltip }), { notMerge: true });
  }

  /** The value of each curve at the pointer's cost; if there are many curves, of the nearest ones. */
  tip(params) {
    const { x, y, logY } = this.view;
    const [cost, level] = this.pointer ? this.chart.convertFromPixel({ gridIndex: 0 }, this.pointer) : params[0].value;
    const rows = drawnRuns(this.view).map((run) => ({ run, value: lastBefore(pointsOf(run, this.view), cost) })).filter((row) => row.value);
    const many = rows.length > 10;
    if (many) {
      const far = (row) => (logY ? Math.abs(Math.log(row.value[1] / level)) : Math.abs(row.value[1] - level));
      rows.sort((a, b) => far(a) - far(b));
      rows.length = 10;
    }
    rows.sort((a, b) => b.value[1] - a.value[1]);
    const body = rows.map((row) => element("tr", {}, element("td", {}, swatch(row.run)), element("td", {}, shortened(row.run.label)),
      element("td", { class: "number" }, y.format(row.value[1])), element("td", { class: "number" }, x.format(row.value[0]))));
    const head = element("tr", {}, element("td"), element("td", {}, many ? "the nearest" : ""), element("td", { class: "number" }, y.short),
      element("td", { class: "number" }, x.short));
    return element("div", { class: "tip" }, element("table", {}, head, ...body));
  }

  /** Arrow keys move along the first visible curve. */
  walk(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    const run = this.view && drawnRuns(this.view)[0];
    if (!(event.key in steps) || !run) return;
    event.preventDefault();
    this.pointer = null;
    const points = pointsOf(run, this.view);
    const stride = Math.max(1, Math.round(points.length / 60));
    this.at = Math.min(Math.max(this.at + stride * steps[event.key], 0), points.length - 1);
    this.chart.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: this.at });
    const [x, y] = points[this.at];
    this.spoken.textContent = `${run.label}: ${this.view.y.name} ${this.view.y.format(y)} at ${this.view.x.format(x)} (${this.view.x.name})`;
  }

  emphasise(run, on) {
    this.chart.dispatchAction({ type: on ? "highlight" : "downplay", seriesId: String(run.index) });
  }

  /** The figure as a separate file, as SVG text. */
  svg() {
    const width = 960;
    const option = figureOption(this.view, { forFile: true, width });
    const height = 540 + option.grid.bottom;
    const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
    chart.setOption(option);
    const text = chart.renderToSVGString();
    chart.dispose();
    return { text, width, height };
  }

  /** A promise of a PNG of twice the size. */
  png() {
    const { text, width, height } = this.svg();
    return new Promise((resolve, reject) => {
      const image = new Image();
      image.onload = () => {
        const canvas = element("canvas", { width: 2 * width, height: 2 * height });
        canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
        canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))), "image/png");
      };
      image.onerror = reject;
      image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
    });
  }
}

const shortened = (text) => (text.length > 70 ? text.slice(0, 69) + "…" : text);

function saveAs(name, blob) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
