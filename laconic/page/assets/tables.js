// SPDX-License-Identifier: Apache-2.0
"use strict";
// The tables of the page: runs, the best setting of each method, verdicts, and the theory of a run.

/** At most four powers of ten that at least two runs of the group reached, if there are so many runs. They
 *  range from the least that all runs reached to the least that any of these reached. */
function targetsOf(runs) {
  const reached = new Map();
  const positive = (run) => (run.columns.grad_norm_sq ?? []).filter((norm) => norm > 0);
  const lowest = runs.flatMap(positive).reduce((a, b) => Math.min(a, b), Infinity);
  for (const run of runs) {
    const norms = positive(run);
    const isZero = run.columns.grad_norm_sq?.includes(0);  // below the least positive value of the other runs
    if (norms.length < (isZero ? 1 : 2)) continue;
    const least = isZero ? lowest : norms.reduce((a, b) => Math.min(a, b));
    for (let e = Math.ceil(Math.log10(norms[0])) - 1; e >= Math.log10(least) - 1e-9 && e > -40; --e) reached.set(e, (reached.get(e) ?? 0) + 1);
  }
  let list = [...reached].filter(([, by]) => by >= Math.min(2, runs.length)).map(([e]) => e);
  if (list.length === 0) list = [...reached.keys()];
  list.sort((a, b) => b - a);
  const least = list.findLastIndex((e) => reached.get(e) === runs.length);
  if (least >= 0 && least < list.length - 1) list = list.slice(least);
  if (list.length <= 4) return list;
  return [0, 1, 2, 3].map((i) => list[Math.round((i * (list.length - 1)) / 3)]);
}

function ending(run) {
  if (!run.stopped) return "killed";
  const words = { rounds: "all rounds", target: "target", "max-bits": "bits spent", "max-seconds": "time spent", still: "stood still" };
  return words[run.stopped.why] ?? run.stopped.why;
}

/** The initial reference for comparisons: a run of gradient descent, else the first run. */
const referenceOf = (runs) => runs.find((run) => run.description.method === "gd" && !run.description.batch) ?? runs[0];

/** A warning if these runs were evaluated at different strides, since their costs to targets then differ in
 *  accuracy; otherwise null. */
function unequalStrides(runs) {
  const strides = [...new Set(runs.flatMap((run) => run.evaluated_every ?? []))].sort((a, b) => a - b);
  if (strides.length < 2) return null;
  const all = strides.length > 4 ? `${count(strides[0])} to ${count(strides.at(-1))}` : `${strides.slice(0, -1).map(count).join(", ")} or ${count(strides.at(-1))}`;
  return `These runs were evaluated at different strides, every ${all} rounds: their costs to targets do not compare finely.`;
}

/** The columns of the table of runs: the content of a cell, and its sort key. */
function runColumns(group, across, reference) {
  const has = (key) => hasAny(group.runs, key);
  const columns = [
    { name: "run", sort: (run) => run.label, cell: (run) => [swatch(run), run.label], kind: "run" },
    { name: "step", sort: (run) => run.method?.gamma, cell: (run) => stepCell(run) },
    { name: "ended by", sort: ending, cell: (run) => [ending(run)] },
    { name: "rounds", sort: (run) => lastOf(run, "round"), cell: (run) => [count(lastOf(run, "round"))], kind: "number" },
    { name: "f", sort: (run) => lastOf(run, "f"), cell: (run) => [decimal(lastOf(run, "f"), 5)], kind: "number" },
    { name: "|∇f|²", sort: (run) => lastOf(run, "grad_norm_sq"), cell: (run) => [decimal(lastOf(run, "grad_norm_sq"), 3)], kind: "number" },
  ];
  if (has("test_accuracy"))
    columns.push({ name: "test accuracy", sort: (run) => lastOf(run, "test_accuracy"), cell: (run) => [percent(lastOf(run, "test_accuracy"))], kind: "number" });
  columns.push({ name: "bits up", sort: (run) => lastOf(run, "uplink_bits"), cell: (run) => [bits(lastOf(run, "uplink_bits"))], kind: "number" });
  if (has("downlink_bits"))
    columns.push({ name: "bits down", sort: (run) => lastOf(run, "downlink_bits"), cell: (run) => [bits(lastOf(run, "downlink_bits"))], kind: "number" });
  for (const e of targetsOf(group.runs)) {
    const cost = (run) => costTo(run, 10 ** e, across.key);
    columns.push({ name: `to ${power(e)}`, sort: cost, kind: "number", cell: (run) => {
      const own = cost(run);
      const ratio = cost(reference) / own;
      if (!Number.isFinite(own)) return [element("span", { class: "none" }, kNothing)];
      return [across.format(own), Number.isFinite(ratio) && group.runs.length > 1 ? element("small", {}, `${ratio >= 100 ? count(ratio) : ratio.toPrecision(2)}×`) : null];
    } });
  }
  return columns;
}

function stepCell(run) {
  const rule = run.description.step ?? "";
  const step = run.method?.gamma;
  const value = step === undefined ? "" : decimal(step, 3);
  return [rule || value, rule && value && rule !== value && Number(rule) !== step ? element("small", {}, value) : null];
}

/** `state` holds the reader's choices; `again` redraws the table. */
function runTable(group, state, across, again) {
  const reference = group.runs.find((run) => run.index === state.reference) ?? referenceOf(group.runs);
  const columns = runColumns(group, across, reference);
  const sorted = columns.find((column) => column.name === state.sort.by);
  const runs = [...group.runs];
  if (sorted) {
    const key = (run) => {
      const value = sorted.sort(run);
      return typeof value === "string" ? value : Number.isFinite(value) ? value : Infinity;
    };
    runs.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (state.sort.down ? -1 : 1));
  }
  const sortBy = (name) => again(() => (state.sort = { by: name, down: state.sort.by === name && !state.sort.down }), `sort ${name}`);
  const heads = columns.map((column) => {
    const order = sorted === column ? (state.sort.down ? "descending" : "ascending") : "none";
    const arrow = { ascending: " ↑", descending: " ↓", none: "" }[order];
    return element("th", { scope: "col", class: column.kind === "number" ? "number" : "", "aria-sort": order },
      element("button", { type: "button", "data-focus": `sort ${column.name}`, click: () => sortBy(column.name) }, column.name + arrow));
  });
  const rows = runs.map((run) => {
    const radio = element("input", { type: "radio", name: "reference", "aria-label": `compare with ${run.label}`, "data-focus": `reference ${run.index}`,
      change: () => again(() => (state.reference = run.index), `reference ${run.index}`) });
    radio.checked = run === reference;
    return element("tr", { class: run === reference ? "reference" : "" }, element("td", { class: "pick" }, radio),
      ...columns.map((column) => element("td", { class: column.kind ?? "" }, ...column.cell(run))));
  });
  const first = element("th", { scope: "col", class: "pick" }, element("abbr", { title: "the run that the others are compared with" }, "ref."));
  return element("table", {}, element("thead", {}, element("tr", {}, first, ...heads)), element("tbody", {}, ...rows));
}

/** Names of columns. A name in a list marks a column of numbers. */
const header = (...names) => element("thead", {}, element("tr", {}, ...names.map((name) =>
  element("th", { scope: "col", class: Array.isArray(name) ? "number" : "" }, ...[name].flat()))));

/** The heading of a column of scores. */
const scoreHead = (sweep) => [measureName(sweep), sweep.measure === "paper-bits" ? element("small", {}, "32 bits a value, nothing else") : null].filter(Boolean);

function bestTable(sweep, scene) {
  const rows = sweep.best.filter((best) => best.scene === scene).map((best) => element("tr", {},
    element("td", {}, best.method), element("td", {}, best.setting ?? kNothing), element("td", {}, best.step ?? kNothing),
    element("td", {}, best.edges ? `best at the ${best.edges} tried` : ""),
    element("td", { class: "number" }, best.score === null ? "none" : scoreFormat(sweep)(best.score)),
    element("td", {}, best.file ? element("code", {}, best.file) : kNothing)));
  if (rows.length === 0) return null;
  return element("table", {}, header("method", "its best", "step", "", scoreHead(sweep), "to run it again"), element("tbody", {}, ...rows));
}

/** A word and a sign, so that the verdict does not depend on colour alone. */
function verdict(status) {
  const [sign, word, look] = status === true || status === "holds" ? ["✓", "holds", "holds"]
    : status === "skipped" ? ["–", "skipped", "skipped"] : ["✗", "fails", "fails"];
  return element("span", { class: look }, `${sign} ${word}`);
}

const said = (one) => (one.claim ? [one.claim, element("small", { class: "mono" }, one.statement)] : [element("span", { class: "mono" }, one.statement)]);

function statementTable(sweep) {
  const several = sweep.scenes.length > 1;
  const rows = sweep.expect.map((one) => element("tr", {}, element("td", { class: "status" }, verdict(one.holds)), element("td", {}, ...said(one)),
    element("td", { class: "mono" }, one.numbers), several ? element("td", {}, placeName(sweep, one.scene)) : null));
  return element("table", {}, header("", "statement", "measured", ...(several ? ["where"] : [])), element("tbody", {}, ...rows));
}

/** The experiments of a reproduction. `show(folder, config)` returns an action that shows the sweep, or a
 *  false value. */
function experimentTable(verdicts, show) {
  const rows = verdicts.experiments.map((one) => {
    const statements = Array.isArray(one.statements) ? one.statements : [];
    const several = new Set(statements.map((each) => each.scene)).size > 1;
    const held = statements.filter((each) => each.holds).length;
    const list = statements.map((each) => element("li", {}, verdict(each.holds), " ", ...said(each), 
      each.numbers || several ? element("small", {}, [each.numbers, several && (each.where || sceneName(each.scene ?? ""))].filter(Boolean).join("   on ")) : null));
    const configs = [...new Set(statements.map((each) => each.config).filter(Boolean))];
    const buttons = configs.map((config) => [config, show(verdicts.folder, config)]).filter(([, action]) => action)
      .map(([config, action]) => element("button", { type: "button", class: "show", click: action }, `Show ${config}`));
    return element("tr", {}, element("td", { class: "status" }, verdict(one.status)),
      element("td", {}, element("strong", {}, one.title || one.name || ""), one.paper ? element("small", {}, one.paper) : null),
      element("td", {}, one.status === "skipped" ? one.reason ?? "" : statements.length === 0 ? one.reason ?? kNothing
        : element("details", {}, element("summary", {}, `${held} of ${statements.length} statements hold`), element("ul", {}, ...list)),
        statements.length > 0 && one.reason ? element("small", {}, `Left out: ${one.reason}`) : null),
      element("td", {}, ...buttons));
  });
  return element("table", {}, header("", "experiment", "what was found", ""), element("tbody", {}, ...rows));
}

function definitions(pairs) {
  return element("dl", {}, ...Object.entries(pairs).flatMap(([name, value]) =>
    [element("dt", {}, name), element("dd", {}, typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value))]));
}

/** The theory next to the measured values. */
function theoryOf(run) {
  const { theorem, promised } = run;
  if (!theorem) return [element("p", {}, run.stopped ? "No theorem with known constants is about this method on this problem." : "The run was killed before it could say what theory promises.")];
  const step = run.method?.gamma;
  const parts = [element("p", {}, element("strong", {}, theorem.name)),
    element("p", {}, "Allows a step of ", element("code", {}, `${theorem.step_rule} = ${decimal(theorem.step)}`),
      step === undefined ? "." : Math.abs(step / theorem.step - 1) < 1e-9 ? ", which is what the run took." : `; the run took ${decimal(step)}, ${decimal(step / theorem.step, 3)} times that.`),
    element("p", {}, "Promises ", element("code", {}, theorem.promise), ".")];
  if (!promised) return parts;
  const K = count(promised.rounds);
  const margin = (bound, value) => (bound > 0 && value > 0 ? `${decimal(bound / value, 3)}×` : kNothing);
  const rows = [];
  const row = (name, bound, value, why = kNothing) => rows.push(element("tr", {}, element("th", { scope: "row" }, name),
    element("td", { class: "number" }, bound === undefined ? "none" : decimal(bound)),
    element("td", { class: "number" }, value === undefined ? element("span", { class: "words" }, why) : decimal(value)),
    element("td", { class: "number" }, bound === undefined || value === undefined ? kNothing : margin(bound, value))));
  if (promised.mean_gradient_bound !== undefined || promised.gap_bound === undefined)
    row(`mean of |∇f|² over the first ${K} points`, promised.mean_gradient_bound, promised.mean_gradient,
      promised.rounds > 0 && run.evaluated_every ? `not measured: rounds were evaluated every ${count(run.evaluated_every[1])} only` : kNothing);
  if (promised.gap_bound !== undefined)
    row(`f − f* after ${K} rounds${promised.gap_is_to_minimum ? "" : "; f* is not known, measured is f − f_lower, which is no less"}`, promised.gap_bound, promised.gap);
  parts.push(element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "bounds" },
    element("table", { class: "bounds" }, header("", ["bound"], ["measured"], ["bound / measured"]), element("tbody", {}, ...rows))));
  if (!promised.step_allowed) parts.push(element("p", {}, "No bound: the step is longer than the theorem allows."));
  else if (promised.mean_gradient_bound === undefined && promised.gap_bound === undefined) parts.push(element("p", {}, "The promise cannot be put in numbers here."));
  else parts.push(element("p", { class: "note" }, "A bound is on the mean over all draws of a method; a run is one draw."));
  return parts;
}

function runDetails(run) {
  const block = (title, content) => (content && Object.keys(content).length ? element("section", {}, element("h3", {}, title), definitions(content)) : null);
  const stop = run.stopped?.reason ? element("p", {}, `It ended: ${run.stopped.reason}.`) : null;
  return element("details", { class: "run" }, element("summary", {}, swatch(run), " ", run.label),
    element("div", {},
      element("section", { class: "wide" }, element("h3", {}, "Theory and this run"), ...theoryOf(run), stop),
      block("Description", { ...run.description, folder: run.folder }), block("Constants of the problem", run.constants), block("The method", run.method)));
}
