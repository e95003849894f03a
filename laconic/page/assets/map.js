// SPDX-License-Identifier: Apache-2.0
"use strict";
// The map of a sweep: a table with cells coloured by score, so that screen readers and printers can use
// it.

// Cividis: uniform steps of lightness with any colour vision, from dark (less) to light (more).
const kShades = [[0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56]];

function shade(share) {
  const at = Math.min(Math.max(share, 0), 1) * (kShades.length - 1);
  const low = Math.min(Math.floor(at), kShades.length - 2);
  return kShades[low].map((part, i) => Math.round(part + (at - low) * (kShades[low + 1][i] - part)));
}

/** Black or white, depending on which is more legible on the colour. */
function inkOn(colour) {
  const [r, g, b] = colour.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

const kScoreFormats = { bits, "paper-bits": bits, seconds };
const scoreFormat = (sweep) => kScoreFormats[sweep.measure] ?? (sweep.to_target ? metric : (value) => decimal(value, 3));
const measured = (sweep) => (sweep.measure === "grad-norm-sq" ? "|∇f|²" : sweep.measure.replaceAll("-", " "));
const measureName = (sweep) => `${measured(sweep)} ${sweep.to_target ? "to the target" : "at the end"}`;

/** The settings of a sweep as objects. The data store them as lists, see laconic/page/sweep.cc. */
function settingsOf(sweep) {
  return sweep.settings.map(([scene, method, ending, score, ...places]) => ({ scene, method, ending: sweep.endings[ending], score: score ?? Infinity, places }));
}

/** The axes and methods that a map of this scene can show. */
function mapChoices(sweep, scene) {
  const here = settingsOf(sweep).filter((setting) => sweep.scenes[setting.scene] === scene);
  const varies = (axis, place) => axis.of_scene
    ? settingsOf(sweep).some((setting) => setting.places[place] !== here[0]?.places[place])
    : new Set(here.map((setting) => setting.places[place]).filter((value) => value >= 0)).size > 1;
  const axes = sweep.axes.map((axis, place) => ({ ...axis, place })).filter((axis) => varies(axis, axis.place));
  const methods = [...new Set(here.map((setting) => setting.method))];
  if (methods.length > 1) axes.push({ name: "method", values: sweep.methods, place: -1, of_scene: false });
  return { axes, methods, here };
}

/** The two initial axes: the axes of the sweep's map, else the methods down and the longest axis across. */
function firstAxes(sweep, choices) {
  const names = choices.axes.map((axis) => axis.name);
  if (sweep.map && sweep.map.every((name) => names.includes(name))) return sweep.map;
  const others = choices.axes.filter((axis) => axis.name !== "method" && !axis.of_scene).sort((a, b) => b.values.length - a.values.length);
  const rest = [...others, ...choices.axes.filter((axis) => axis.name !== "method" && axis.of_scene)];
  if (rest.length === 0) return ["", names[0] ?? ""];
  return [rest[0].name, choices.methods.length > 1 ? "method" : (rest[1]?.name ?? "")];
}

/** For each pair of values across and down, the best setting over all else that varies. */
function cellsOf(sweep, choices, { method, x, y }) {
  const across = choices.axes.find((axis) => axis.name === x);
  const down = choices.axes.find((axis) => axis.name === y);
  const fixed = sweep.axes.map((axis, place) => ({ ...axis, place })).filter((axis) => axis.of_scene && axis.name !== x && axis.name !== y);
  const home = choices.here[0];
  const placeOf = (axis, setting) => (axis === undefined ? 0 : axis.place < 0 ? setting.method : setting.places[axis.place]);
  const cells = new Map();
  for (const setting of settingsOf(sweep)) {
    if (method !== "" && setting.method !== Number(method)) continue;
    if (fixed.some((axis) => setting.places[axis.place] !== home.places[axis.place])) continue;
    const at = [placeOf(across, setting), placeOf(down, setting)];
    const key = at.join(",");
    const cell = cells.get(key) ?? { x: at[0], y: at[1], score: Infinity, method: null, endings: new Set() };
    cell.endings.add(setting.ending);
    if (setting.score < cell.score) Object.assign(cell, { score: setting.score, method: sweep.methods[setting.method] });
    cells.set(key, cell);
  }
  return { across, down, cells };
}

function mapTable(sweep, choices, choice) {
  const { across, down, cells } = cellsOf(sweep, choices, choice);
  const places = (pick) => [...new Set([...cells.values()].map(pick))].sort((a, b) => a - b);
  const name = (axis, place) => (axis === undefined ? "" : place < 0 ? "without" : axis.values[place]);
  const xs = places((cell) => cell.x);
  const ys = places((cell) => cell.y);
  const here = [...cells.values()].map((cell) => cell.score).filter(Number.isFinite);
  const leastHere = Math.min(...here);
  // All scenes of the sweep have one scale, so that their maps can be compared.
  const scores = sweep.scenes.flatMap((scene) => [...cellsOf(sweep, mapChoices(sweep, scene), choice).cells.values()].map((cell) => cell.score)).filter(Number.isFinite);
  const least = Math.min(...scores);
  const most = Math.max(...scores);
  const logarithmic = least > 0 && most / least > 20;
  const share = (score) => (most === least ? 0 : logarithmic ? Math.log(score / least) / Math.log(most / least) : (score - least) / (most - least));
  const format = scoreFormat(sweep);

  const cellOf = (x, y) => {
    const cell = cells.get(`${x},${y}`);
    if (!cell) return element("td", { class: "without" }, "");
    if (!Number.isFinite(cell.score)) {
      const why = cell.endings.size === 1 ? [...cell.endings][0] : "none";
      return element("td", { class: "without" }, ["diverged", "beaten", "under way"].includes(why) ? why : "not reached");
    }
    const colour = shade(share(cell.score));
    const made = element("td", { class: cell.score === leastHere ? "least" : "", title: `${measured(sweep)} = ${cell.score}, by ${cell.method}` }, format(cell.score));
    made.style.background = `rgb(${colour.join(",")})`;
    made.style.color = inkOn(colour);
    return made;
  };
  const corner = `${down ? down.name : ""}${down && across ? " \\ " : ""}${across ? across.name : ""}`;
  const head = element("tr", {}, element("th", { class: "axis", scope: "col" }, corner), ...xs.map((x) => element("th", { scope: "col" }, name(across, x))));
  const rows = ys.map((y) => element("tr", {}, element("th", { scope: "row" }, name(down, y)), ...xs.map((x) => cellOf(x, y))));
  const table = element("table", { class: "map" }, element("thead", {}, head), element("tbody", {}, ...rows));
  return here.length === 0 ? [table] : [table, colourBar(format(least), format(most), measureName(sweep))];
}

/** The scale of the colours: its ends with their unit, and what it measures. */
function colourBar(least, most, name) {
  const bar = element("span", { class: "bar", "aria-hidden": "true" });
  bar.style.background = `linear-gradient(to right, ${kShades.map((shade) => `rgb(${shade.join(",")})`).join(", ")})`;
  return element("p", { class: "scale note" }, least, bar, `${most} (${name})`);
}
