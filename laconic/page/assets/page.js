// SPDX-License-Identifier: Apache-2.0
"use strict";
// The state of the reader's choices, and how the page shows it.

const data = readData();
const figure = new Figure(byId("figure"), byId("spoken"));
const state = { group: 0, x: null, y: null, logX: null, logY: {}, hidden: new Set(), reference: null, sort: { by: "", down: false } };

const groupNow = () => data.groups[state.group];
const groupName = (group) => {
  if (!group.sweep) return sceneName(group.scene);
  const name = sweepName(group.sweep);
  return group.sweep.scenes.length > 1 ? `${name}: ${placeName(group.sweep, group.scene)}` : name;
};

function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, name]) => element("option", { value }, name)));
  select.value = chosen;
}

/** Whether the horizontal axis should be logarithmic: the costs at the ends of the runs differ widely. */
function spreadsWide(runs, column) {
  const ends = runs.map((run) => lastOf(run, column)).filter((end) => end > 0);
  return ends.length > 1 && Math.max(...ends) / Math.min(...ends) >= 30;
}

// The initial horizontal axis of a sweep's runs: that of the sweep's figure, else the cost that it measures.
const kMeasured = { bits: "uplink_bits", rounds: "round", "oracle-calls": "oracle_calls", seconds: "network_seconds" };

function view() {
  const { lines: runs } = groupNow();
  const across = columnsOf(kAcross, runs);
  const upwards = columnsOf(kUpwards, runs);
  const { sweep } = groupNow();
  const wanted = state.x ?? sweep?.figure?.x ?? kMeasured[sweep?.measure] ?? "uplink_bits";
  const x = across.find((axis) => axis.key === wanted) ?? across[0] ?? kAcross[0];
  const y = upwards.find((axis) => axis.key === (state.y ?? sweep?.figure?.y ?? "grad_norm_sq")) ?? upwards[0] ?? kUpwards[1];
  // What the sweep's figure says about the axis, if it does.
  const given = (axis, name) => (sweep?.figure?.[name] === axis.key && sweep.figure.log !== "auto" ? sweep.figure.log.includes(name) : undefined);
  return { runs, all: data.runs, hidden: state.hidden, x, y, title: groupName(groupNow()),
           logX: state.logX ?? (given(x, "x") ?? spreadsWide(runs, x.key)), logY: state.logY[y.key] ?? (given(y, "y") ?? y.logarithmic) };
}

function drawFigure() {
  const now = view();
  const { runs } = now;
  fill(byId("x"), columnsOf(kAcross, runs).map((axis) => [axis.key, axis.name]), now.x.key);
  fill(byId("y"), columnsOf(kUpwards, runs).map((axis) => [axis.key, axis.name]), now.y.key);
  byId("log-x").checked = now.logX;
  byId("log-y").checked = now.logY;
  figure.draw(now);
  const lacking = (axis) => runs.filter((run) => !run.columns[axis.key]?.some(Number.isFinite)).map((run) => run.label);
  const lines = [now.x, now.y].filter((axis) => lacking(axis).length).map((axis) => `Not drawn, for want of ${axis.name}: ${lacking(axis).join("; ")}.`);
  byId("left-out").hidden = lines.length === 0;
  byId("left-out").textContent = lines.join(" ");
}

function drawLegend() {
  byId("legend").querySelector("ul").replaceChildren(...groupNow().lines.map((run) => {
    const box = element("input", { type: "checkbox", "data-run": run.index, change: () => {
      if (box.checked) state.hidden.delete(run.index);
      else state.hidden.add(run.index);
      item.classList.toggle("off", !box.checked);
      drawFigure();
    } });
    box.checked = !state.hidden.has(run.index);
    const item = element("li", { class: box.checked ? "" : "off", mouseenter: () => figure.emphasise(run, true), mouseleave: () => figure.emphasise(run, false) },
      element("label", {}, box, swatch(run), element("span", { class: "name" }, run.label)));
    return item;
  }));
}

function drawTable() {
  const { x } = view();
  const group = groupNow();
  const again = (change, focus) => {
    change();
    drawTable();
    document.querySelector(`#table [data-focus="${CSS.escape(focus)}"]`)?.focus();
  };
  byId("table").querySelector(".scroll").replaceChildren(runTable(group, state, x, again));
  const hasTargets = targetsOf(group.runs).length > 0;
  const unequal = hasTargets ? unequalStrides(group.runs) : null;
  byId("table-note").replaceChildren(...[hasTargets
    ? `“to 10⁻⁴”: ${x.name} until |∇f|² was first seen to be at most that, which only rounds that were evaluated show, and below it how many times less that is than what the reference took. `
    : "", "All bits are per client, as encoded.", unequal ? " " : "", unequal ? element("strong", {}, unequal) : ""]);
}

function drawMap(keep) {
  const { sweep, scene } = groupNow();
  const choices = sweep ? mapChoices(sweep, scene) : null;
  byId("map").hidden = !choices || choices.axes.length === 0 || choices.here.length === 0;
  if (byId("map").hidden) return;
  const [method, x, y] = ["map-method", "map-x", "map-y"].map(byId);
  if (!keep) {
    const [across, down] = firstAxes(sweep, choices);
    const names = choices.axes.map((axis) => [axis.name, axis.name]);
    fill(method, [...(choices.methods.length > 1 ? [["", "the best of all"]] : []), ...choices.methods.map((place) => [String(place), sweep.methods[place]])], choices.methods.length > 1 ? "" : String(choices.methods[0]));
    fill(x, [...names, ["", "nothing"]], across);
    fill(y, [...names, ["", "nothing"]], down);
  }
  byId("map-note").textContent = `${measureName(sweep)}, the best over whatever else varies and the mean over seeds. Darker is less; the least is framed.`;
  byId("map").querySelector(".scroll").replaceChildren(...mapTable(sweep, choices, { method: method.value, x: x.value, y: y.value }));
}

function drawSweep() {
  const { sweep, scene } = groupNow();
  const best = sweep ? bestTable(sweep, scene) : null;
  byId("best").hidden = !best;
  if (best) {
    const ended = Object.entries(sweep.ended).map(([why, number]) => `${number} ${why}`).join(", ");
    byId("best").querySelector(".note").textContent = sweep.done < sweep.runs ? `The sweep is under way: ${sweep.done} of ${sweep.runs} runs have ended.` : `Of ${sweep.runs} runs: ${ended}.`;
    byId("best").querySelector(".scroll").replaceChildren(best);
  }
  byId("statements").hidden = !sweep || sweep.expect.length === 0;
  if (!byId("statements").hidden) byId("statements").querySelector(".scroll").replaceChildren(statementTable(sweep));
}

/** If a sweep has many curves, only those of each method's best setting are shown at first. Returns the runs
 *  to hide. */
function bestAmongMany({ lines: runs, sweep }) {
  if (!sweep || runs.length <= 12) return [];
  const isBest = (run) => sweep.best.some((best) => best.setting === run.description.method && best.step === run.description.step);
  return runs.some(isBest) ? runs.filter((run) => !isBest(run)).map((run) => run.index) : [];
}

/** Draws everything on the page that depends on the group. */
function drawGroup() {
  const group = groupNow();
  const { runs, sweep } = group;
  byId("group").value = String(state.group);
  byId("group-title").textContent = groupName(group);
  byId("group-facts").replaceChildren(...(!sweep ? [] : [`${sceneName(group.scene)} · `, element("code", {}, sweep.folder)]));
  group.lines ??= curvesOf(group);
  byId("bands").hidden = !group.lines.some((line) => line.bands);
  state.hidden = new Set(bestAmongMany(group));
  state.reference = referenceOf(runs)?.index ?? null;
  state.sort = { by: "", down: false };
  for (const id of ["curves", "table", "details"]) byId(id).hidden = runs.length === 0;
  if (runs.length) {
    figure.at = -1;
    drawLegend();
    drawFigure();
    drawTable();
    byId("details").querySelector("div").replaceChildren(...runs.map(runDetails));
  }
  const most = runs.reduce((a, run) => Math.max(a, run.rows), 0);
  byId("thinned").hidden = most <= data.points;
  byId("thinned").textContent = `Long traces are thinned to about ${data.points} points each, spread evenly over the rounds and over their logarithm; the files of the runs have all of them.`;
  drawMap(false);
  drawSweep();
}

/** Redraws the parts that have their own colours. */
function repaint() {
  if (!groupNow()?.runs.length) return;
  const open = [...document.querySelectorAll("details.run")].map((each) => each.open);
  drawLegend();
  drawFigure();
  drawTable();
  byId("details").querySelector("div").replaceChildren(...groupNow().runs.map(runDetails));
  document.querySelectorAll("details.run").forEach((each, i) => (each.open = open[i]));
}

/** How the experiments ended: "all hold", or "5 hold, 1 fails, 1 skipped". */
function endings(experiments) {
  const words = { holds: ["holds", "hold"], fails: ["fails", "fail"], skipped: ["skipped", "skipped"] };
  const counted = Object.entries(words).map(([status, [one, many]]) => [experiments.filter((each) => each.status === status).length, one, many])
    .filter(([n]) => n);
  if (counted.length !== 1) return counted.map(([n, one, many]) => `${n} ${n === 1 ? one : many}`).join(", ");
  const [[n, one, many]] = counted;
  return n === 1 ? one : `all ${many}`;
}

function drawHead() {
  const title = data.title || (data.groups.length === 1 ? groupName(data.groups[0]) : "laconic report");
  document.title = title === "laconic report" ? title : `${title} – laconic report`;
  byId("title").textContent = title;
  const number = (n, what) => (n ? [`${n} ${what}${n === 1 ? "" : "s"}`] : []);
  const expected = data.sweeps.flatMap((sweep) => sweep.expect);
  const failed = expected.filter((one) => !one.holds).length;
  const experiments = data.verdicts.flatMap((each) => each.experiments);
  byId("overview").textContent = [
    ...number(data.runs.length, "run"), ...number(data.sweeps.length, "sweep"),
    ...(experiments.length ? [`${experiments.length} experiment${experiments.length === 1 ? "" : "s"}: ${endings(experiments)}`] :
      expected.length ? [`${expected.length - failed} of ${expected.length} statement${expected.length === 1 ? "" : "s"} hold${expected.length === 1 ? "s" : ""}`] : []), ...data.notes].join(" · ");
  byId("footer").textContent = `Written by laconic ${data.laconic}. Drawn with Apache ECharts 6.1.0, Apache-2.0; its licence is in this file.`;
  byId("group-choice").hidden = data.groups.length < 2;
  byId("group-title").hidden = data.groups.length === 1 && title === groupName(data.groups[0]);
  fill(byId("group"), data.groups.map((group) => [String(group.index), groupName(group)]), String(state.group));
}

function drawExperiments() {
  const show = (folder, config) => {
    const wanted = `${folder ? `${folder}/` : ""}${config}`;
    const group = data.groups.find((each) => each.sweep?.folder === wanted);
    return group && (() => {
      state.group = group.index;
      drawGroup();
      byId("group-choice").scrollIntoView();
      byId("group").focus({ preventScroll: true });
    });
  };
  byId("experiments").hidden = data.verdicts.length === 0;
  byId("experiments").querySelector(".scroll").replaceChildren(...data.verdicts.map((each) => experimentTable(each, show)));
}

function listen() {
  const on = (id, event, action) => byId(id).addEventListener(event, action);
  on("group", "change", () => ((state.group = Number(byId("group").value)), drawGroup()));
  on("x", "change", () => ((state.x = byId("x").value), (state.logX = null), drawFigure(), drawTable()));
  on("y", "change", () => ((state.y = byId("y").value), drawFigure()));
  on("log-x", "change", () => ((state.logX = byId("log-x").checked), drawFigure()));
  on("log-y", "change", () => ((state.logY[view().y.key] = byId("log-y").checked), drawFigure()));
  const showAll = (all) => () => {
    state.hidden = new Set(all ? [] : groupNow().lines.map((run) => run.index));
    drawLegend();
    drawFigure();
  };
  on("all", "click", showAll(true));
  on("none", "click", showAll(false));
  const name = () => `${view().y.key}-${view().x.key}`.replaceAll("_", "-");
  on("save-svg", "click", () => saveAs(`${name()}.svg`, new Blob([figure.svg().text], { type: "image/svg+xml" })));
  on("save-png", "click", async () => saveAs(`${name()}.png`, await figure.png()));
  for (const id of ["map-method", "map-x", "map-y"]) on(id, "change", () => drawMap(true));
  const openAll = (open) => () => document.querySelectorAll("details.run").forEach((each) => (each.open = open));
  on("open-all", "click", openAll(true));
  on("close-all", "click", openAll(false));
  darkScheme.addEventListener("change", repaint);

  // For print: light colours, the width of the paper, all details open.
  const wasOpen = new Map();
  window.addEventListener("beforeprint", () => {
    printing = true;
    repaint();
    document.querySelectorAll("details").forEach((each) => (wasOpen.set(each, each.open), (each.open = true)));
    if (!figure.view) return;  // a page without runs
    figure.chart.resize({ width: 680, height: 378 });
    figure.draw({ ...figure.view });
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    document.querySelectorAll("details").forEach((each) => (each.open = wasOpen.get(each) ?? false));
    if (figure.view) figure.chart.resize({ width: "auto", height: "auto" });
    repaint();
  });
}

drawHead();
drawExperiments();
listen();
if (data.groups.length) drawGroup();
else for (const id of ["curves", "table", "details", "map", "best", "statements"]) byId(id).hidden = true;
