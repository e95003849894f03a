// SPDX-License-Identifier: Apache-2.0
"use strict";
// The data of the page, and how they are formatted. Texts of the data become text nodes, never markup.

const kNothing = "–";

/** An element with attributes (a function is a listener of the event of that name), then texts and child
 *  elements. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const byId = (id) => document.getElementById(id);

/** Three digits and a metric prefix: 950, 12.3 k, 4.56 M. */
function metric(value, unit = "") {
  if (!Number.isFinite(value)) return kNothing;
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let size = 0;
  let left = Math.abs(value);
  while (left >= 999.5 && size + 1 < prefixes.length) {
    left /= 1000;
    ++size;
  }
  const digits = size === 0 ? String(Number(left.toPrecision(3))) : left.toPrecision(3);
  return `${value < 0 ? "−" : ""}${digits}${unit || size ? " " : ""}${prefixes[size]}${unit}`;
}

const bits = (value) => metric(value, "bit");
const count = (value) => (Number.isFinite(value) ? Math.round(value).toLocaleString("en").replaceAll(",", "\u202f") : kNothing);

function seconds(value) {
  if (!Number.isFinite(value)) return kNothing;
  if (value >= 7200) return `${(value / 3600).toPrecision(3)} h`;
  if (value >= 120) return `${(value / 60).toPrecision(3)} min`;
  if (value >= 1 || value === 0) return `${Number(value.toPrecision(3))} s`;
  return value >= 1e-3 ? `${(value * 1e3).toPrecision(3)} ms` : `${(value * 1e6).toPrecision(3)} µs`;
}

/** A plain decimal if it is short, otherwise 1.23e-5. */
function decimal(value, digits = 4) {
  if (!Number.isFinite(value)) return kNothing;
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e5)) return String(Number(value.toPrecision(digits))).replace("-", "−");
  return value.toExponential(digits - 1).replace("e+", "e").replaceAll("-", "−");
}

const percent = (value) => (Number.isFinite(value) ? `${(100 * value).toPrecision(4)} %` : kNothing);

/** A whole power of 10, with a raised exponent. */
function power(exponent) {
  if (exponent === 0 || exponent === 1) return String(10 ** exponent);
  const raised = { "-": "⁻" };
  "⁰¹²³⁴⁵⁶⁷⁸⁹".split("").forEach((digit, i) => (raised[i] = digit));
  return "10" + String(exponent).split("").map((c) => raised[c]).join("");
}

/** The label of an axis tick: powers of ten if the axis is logarithmic. */
function tic(format, logarithmic, value) {
  if (!logarithmic || format === bits || format === seconds) return format(value).replace(/(\.\d*?)0+(?=\s|$)/, "$1").replace(/\.(?=\s|$)/, "");
  const exponent = Math.round(Math.log10(value));
  const isPower = Math.abs(value / 10 ** exponent - 1) < 1e-9;
  return isPower ? power(exponent) : decimal(value);
}

/** The quantities that a figure can show: costs on the horizontal axis, results on the vertical axis. */
const kAcross = [
  { key: "uplink_bits", name: "bits sent per client", short: "bits up", format: bits },
  { key: "both_bits", name: "bits sent and received per client", short: "bits up and down", format: bits },
  { key: "round", name: "rounds", short: "rounds", format: metric },
  { key: "oracle_calls", name: "single-sample gradients per client", short: "gradients", format: metric },
  { key: "network_seconds", name: "modelled seconds", short: "modelled time", format: seconds },
  { key: "seconds", name: "seconds on the machine that ran it", short: "time", format: seconds },
];
const kUpwards = [
  { key: "grad_norm_sq", name: "squared gradient norm", short: "|∇f|²", logarithmic: true, format: decimal },
  { key: "gap", name: "f − f*", short: "f − f*", logarithmic: true, format: decimal },
  { key: "f", name: "f", short: "f", logarithmic: false, format: decimal },
  { key: "test_accuracy", name: "test accuracy", short: "test accuracy", logarithmic: false, format: percent },
  { key: "train_accuracy", name: "training accuracy", short: "accuracy", logarithmic: false, format: percent },
  { key: "consensus", name: "squared distance to consensus", short: "distance", logarithmic: true, format: decimal },
];

/** The data as written by the program, with columns converted to numbers. */
function readData() {
  const data = JSON.parse(byId("data").textContent);
  data.runs.forEach((run, index) => {
    run.index = index;
    const rows = Object.values(run.columns).reduce((most, text) => Math.max(most, text.split(" ").length), 1);
    for (const [name, text] of Object.entries(run.columns)) run.columns[name] = text === "0" ? Array(rows).fill(0) : text.split(" ").map(Number);
    const { uplink_bits: up, downlink_bits: down } = run.columns;
    if (up && down) run.columns.both_bits = up.map((bits, row) => bits + down[row]);
  });
  data.groups.forEach((group, index) => {
    group.index = index;
    group.runs = data.runs.filter((run) => run.group === index);
    group.sweep = group.sweep === null ? null : data.sweeps[group.sweep];
  });
  return data;
}

/** NaN if the run does not have the column. */
const lastOf = (run, column) => run.columns[column]?.at(-1) ?? NaN;

/** The cost of the run when its squared gradient norm was first at most `target`. NaN if it never was, or if
 *  the cost was not counted. */
function costTo(run, target, column) {
  const norms = run.columns.grad_norm_sq;
  const row = norms ? norms.findIndex((norm) => norm <= target) : -1;
  if (row < 0) return NaN;
  return run.columns[column]?.[row] ?? NaN;
}

/** "problem=P clients=N split=S" as a phrase. */
function sceneName(scene) {
  const found = /^problem=(.*) clients=(\S+) split=(.*)$/.exec(scene);
  if (!found) return scene || "runs of which no description is left";
  const clients = found[2] === "1" ? "1 client" : `${found[2] || "?"} clients`;
  return [found[1], clients, ...(found[3] ? [`split: ${found[3]}`] : [])].join(", ");
}

/** The short name of the scene: the part in which it differs from the other scenes of the sweep. */
const placeName = (sweep, scene) => sweep.places[sweep.scenes.indexOf(scene)] || sceneName(scene);

const baseName = (folder) => folder.split("/").filter(Boolean).at(-1) ?? folder;
const sweepName = (sweep) => sweep.title || baseName(sweep.folder);
