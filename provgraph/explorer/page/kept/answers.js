/** Answers from a kept file, in the place of the server: nothing is asked of anybody, ever. */

import { Refused } from "../refused.js";
import { asked } from "../place.js";
import { drawn, natural, near } from "./around.js";
import { FACETS, graphOf, unpacked } from "./graph.js";

const PAGE = 100;
const SOME = 8;
const MOST_VALUES = 20;
const BINS = 40;
const LABELS = Object.assign(Object.create(null), { kind: "Kind", state: "State", step: "Step", agent: "Who", tracing: "Tracing", project: "Project", pinned: "Pinned" });
const STATES = ["stale", "behind", "modified", "missing", "affected"];
/** @type {[string, string][]} */
const COLUMNS = [["name", "Name"], ["kind", "Kind"], ["state", "State"], ["step", "Step"], ["about", "When, content"], ["causes", "Causes"], ["effects", "Effects"]];

/** @type {import("./graph.js").Kept} */
let kept;
/** @type {import("./graph.js").Graph} */
let graph;
let told = false;
/** Answers that came with the file, by what was asked. @type {Map<string, any>} */
const views = new Map();

/** What is said the first time; after that nothing changes. */
export const state = async () => {
  if (told) return null;
  if (!kept) {
    kept = await unpacked();
    graph = graphOf(kept);
    for (const { asked: of, view: one } of kept.views) views.set(asked(of), one);
  }
  told = true;
  return { title: kept.title, looks: kept.looks, start: kept.start };
};

export const post = async () => {
  throw new Refused("This is a kept file: it can't be written to", "provgraph explore opens the project itself", []);
};

/**
 * @param {string} path
 * @param {AbortSignal} [_signal]
 * @returns {Promise<any>}
 */
export const get = async (path, _signal) => {
  const [address, query] = path.split("?");
  const place = Object.fromEntries(new URLSearchParams(query));
  const answer = ANSWERS[address];
  if (!answer) throw new Refused("This isn't in a kept file", "provgraph explore opens the project itself", []);
  return answer(place);
};

/** @param {Record<string, string>} place */
const about = (place) => {
  const found = graph.find(place.of || "");
  if (found.length) return found;
  const wanted = (place.of || "").toLowerCase();
  const near_ = wanted ? search(wanted.split("/").pop() || wanted).slice(0, 5).map((one) => one.name) : [];
  throw new Refused(`Nothing in this file is called ${place.of || "nothing"}`, `It holds ${kept.question}, ${kept.as_of}`, near_);
};

/** @param {Record<string, string>} place */
const view = (place) => {
  const kept_ = views.get(asked(place));
  if (kept_) return { ...kept_, table: paged(kept_.table.rows, kept_.table.columns, {}) };
  if (place.q === "focus") return focused(place);
  if (place.q === "status" || place.q === "log") return { ...blank(place.q), headline: place.q === "log" ? "The runs of this file" : "Everything in this file", picture: null, table: paged(rowsOf(place), COLUMNS, {}), times: timesOf(rowsOf(place)) };
  throw new Refused("This file holds what was recorded, not the means to judge it", place.of ? `provgraph ${place.q === "explain" ? `impact ${place.of} --explain ${place.to}` : `${place.q} ${place.of}`}` : "provgraph explore", []);
};

/** @param {string} question */
const blank = (question) => ({ question, command: kept.command, cypher: "", selector: "", as_of: kept.as_of, viewpoint: kept.viewpoint, totals: {}, words: [], gaps: kept.gaps, plan: [], formats: ["csv"] });

/**
 * @param {Record<string, string>} place
 * @param {string} key
 */
const list = (place, key) => (place[key] || "").split(",").filter(Boolean);

/** @param {Record<string, string>} place */
const pieced = (place) => {
  const focus = about(place);
  const opened = list(place, "open").flatMap((id) => graph.find(id).slice(0, 1));
  const piece = near(graph, focus, opened);
  return { focus, piece, ...drawn(graph, piece, list(place, "unfold")) };
};

/** @param {Record<string, string>} place */
const focused = (place) => {
  const { focus, piece, picture } = pieced(place);
  const rows = piece.order.map((at) => rowOf(at));
  return {
    ...blank("focus"),
    headline: focus.length === 1 ? graph.name(focus[0]) : `${place.of}: ${focus.length.toLocaleString("en")} things`,
    command: focus.length === 1 ? `provgraph show ${graph.id(focus[0])}` : kept.command,
    picture,
    table: paged(rows, COLUMNS, {}),
    times: timesOf(rows),
  };
};

/** @param {number} at */
const rowOf = (at) => {
  /** @type {Record<string, any>} */
  const row = { name: graph.name(at), ask: graph.id(at), about: graph.about(at), causes: graph.count(graph.into(at), "cause"), effects: graph.count(graph.outOf(at), "effect") };
  for (const facet of FACETS) row[facet] = graph.facet(facet, at);
  if (!Number.isNaN(graph.time(at))) row.time = graph.time(at);
  return row;
};

/** Every row, made when it is first asked for. @type {Record<string, any>[] | undefined} */
let every;

/** @param {Record<string, string>} place @returns {Record<string, any>[]} */
const rowsOf = (place) => {
  const whole = views.get(asked(place));
  if (whole) return whole.table.rows;
  if (place.q === "focus") {
    const { piece, stacks } = pieced(place);
    return piece.order.map((at) => ({ ...rowOf(at), stack: stacks.get(at) || "" }));
  }
  every ??= Array.from({ length: graph.size }, (_, at) => rowOf(at));
  return place.q === "log" ? every.filter((row) => row.kind === "Run") : every;
};

/**
 * @param {Record<string, any>[]} rows
 * @param {[string, string][]} columns
 * @param {Record<string, string>} place
 */
const paged = (rows, columns, place) => {
  const total = rows.length;
  const keys = columns.map(([key]) => key);
  let some = place.stack ? rows.filter((row) => row.stack === place.stack) : rows;
  const wanted = (place.find || "").trim().toLowerCase();
  if (wanted) some = some.filter((row) => keys.some((key) => String(row[key] ?? "").toLowerCase().includes(wanted)));
  const by = FACETS.filter((key) => place[`f.${key}`]);
  const has = (/** @type {Record<string, any>} */ row, /** @type {string} */ but) => by.every((key) => key === but || row[key] === place[`f.${key}`]);
  const facets = FACETS.flatMap((key) => facetOf(key, some.filter((row) => has(row, key)), place[`f.${key}`]));
  some = some.filter((row) => has(row, ""));
  const column = (place.sort || "").replace(/^-/, "");
  if (keys.includes(column)) {
    const up = place.sort[0] === "-" ? -1 : 1;
    some = [...some].sort((a, b) => up * order(a[column], b[column]));
  }
  const offset = Number(place.offset) || 0;
  return { columns, rows: some.slice(offset, offset + (Number(place.limit) || PAGE)), facets, offset, found: some.length, total };
};

/**
 * @param {unknown} one
 * @param {unknown} two
 */
const order = (one, two) => (typeof one === "number" && typeof two === "number" ? one - two : natural(String(one ?? ""), String(two ?? "")));

/**
 * @param {string} key
 * @param {Record<string, any>[]} rows
 * @param {string | undefined} chosen
 */
const facetOf = (key, rows, chosen) => {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const row of rows) if (row[key]) counts.set(row[key], (counts.get(row[key]) || 0) + 1);
  if (chosen && !counts.has(chosen)) counts.set(chosen, 0);
  if (!chosen && counts.size < 2) return [];
  const all = [...counts].sort((a, b) => b[1] - a[1]);
  return [{ key, label: LABELS[key], values: all.slice(0, MOST_VALUES), more: Math.max(0, all.length - MOST_VALUES) }];
};

/** @param {Record<string, any>[]} rows */
const timesOf = (rows) => {
  const dated = rows.filter((row) => typeof row.time === "number");
  let [from, till] = [Infinity, -Infinity];
  for (const row of dated) [from, till] = [Math.min(from, row.time), Math.max(till, row.time)];
  if (!(till > from)) return null;
  const counts = new Array(BINS).fill(0);
  for (const row of dated) counts[Math.min(BINS - 1, Math.floor(((row.time - from) / (till - from)) * BINS))] += 1;
  return { from, till, counts, undated: rows.length - dated.length };
};

/** @param {string} wanted in small letters */
const search = (wanted) => {
  const found = [];
  for (let at = 0; at < graph.size; at += 1) {
    const name = graph.name(at).toLowerCase();
    const where = name.lastIndexOf(wanted);
    if (where < 0 && !graph.id(at).toLowerCase().includes(wanted)) continue;
    const rank = name === wanted ? 0 : where >= 0 && where + wanted.length === name.length ? 1 : name.startsWith(wanted) ? 2 : 3;
    found.push({ rank, at });
  }
  found.sort((a, b) => a.rank - b.rank || graph.name(a.at).length - graph.name(b.at).length || natural(graph.name(a.at), graph.name(b.at)));
  return found.slice(0, 20).map(({ at }) => ({ ask: graph.id(at), name: graph.name(at), kind: graph.kind(at) }));
};

/** @param {Record<string, string>} place */
const show = (place) => {
  const at = about(place)[0];
  const id = graph.id(at);
  if (Object.hasOwn(kept.shows, id)) return kept.shows[id];
  const is_run = graph.kind(at) === "Run";
  const line = (/** @type {number} */ other, /** @type {number} */ edge) => ({ id: graph.id(other), name: graph.name(other), kind: graph.kind(other), state: graph.state(other), role: graph.role(edge), evidence: graph.evidence(edge), touched: [] });
  const causes = graph.into(at).map((edge) => line(graph.cause(edge), edge));
  const effects = graph.outOf(at).map((edge) => line(graph.effect(edge), edge));
  const facts = [["id", id], ["when, content", graph.about(at)], ...FACETS.map((key) => [key, graph.facet(key, at)])].filter(([, value]) => value);
  const lists = [[is_run ? "Read" : "Came from", causes], [is_run ? "Wrote" : "Read by", effects]].filter(([, lines]) => lines.length);
  return { id, selector: id, name: graph.name(at), kind: graph.kind(at), state: graph.state(at), pinned: graph.pinned(at), is_run, facts, command: [], params: [], metrics: [], lists, notes: [], gaps: [] };
};

const home = () => {
  const states = [...STATES, "current"].map((state_) => ({ state: state_, count: 0, meaning: kept.looks.states[state_]?.words || "" }));
  /** @type {Record<string, number>} */
  const kinds = {};
  const late = [];
  const pinned = [];
  const runs = [];
  for (let at = 0; at < graph.size; at += 1) {
    const state_ = graph.state(at);
    const box = states.find((one) => one.state === state_);
    if (graph.kind(at) === "Run") runs.push(at);
    else {
      if (box) box.count += 1;
      kinds[graph.kind(at)] = (kinds[graph.kind(at)] || 0) + 1;
      if (STATES.includes(state_) && late.length < SOME) late.push(at);
      if (graph.pinned(at) && pinned.length < SOME) pinned.push(at);
    }
  }
  runs.sort((a, b) => (graph.time(b) || 0) - (graph.time(a) || 0));
  const line = (/** @type {number} */ at) => ({ name: graph.name(at), kind: graph.kind(at), state: graph.state(at), pinned: graph.pinned(at), ask: graph.id(at), words: graph.about(at) });
  return {
    kept: true,
    empty: false,
    headline: kept.headline,
    as_of: kept.as_of,
    viewpoint: kept.viewpoint,
    command: kept.command,
    states: states.filter((one) => one.count),
    gaps: kept.gaps,
    out_of_date: late.map(line),
    runs: runs.slice(0, SOME).map((at) => ({ name: graph.name(at), ask: graph.id(at), status: graph.status(at), started: graph.about(at), agent: graph.facet("agent", at), note: "" })),
    run_count: runs.length,
    pinned: pinned.map(line),
    large: true,
    overview: { kinds, lanes: [], spans: [], undated: 0, totals: { runs: runs.length } },
  };
};

/** @type {Record<string, (place: Record<string, string>) => any>} */
const ANSWERS = Object.assign(Object.create(null), {
  "/api/home": home,
  "/api/view": view,
  "/api/search": (/** @type {Record<string, string>} */ place) => ({ found: search((place.text || "").toLowerCase()) }),
  "/api/show": show,
  "/api/rows": (/** @type {Record<string, string>} */ place) => paged(rowsOf(place), views.get(asked(place))?.table.columns || COLUMNS, place),
  "/api/preview": () => ({ type: "none", words: "Contents aren't in this file." }),
  "/api/history": () => ({ runs: 0, metrics: {} }),
});

/**
 * A kept view's rows, as CSV.
 * @param {any} view_
 * @param {Record<string, string>} place
 * @returns {[string, string, () => string][]}
 */
export const exported = (view_, place) => [["csv", "provgraph.csv", () => URL.createObjectURL(new Blob([asCsv(view_, place)], { type: "text/csv" }))]];

/**
 * @param {any} view_
 * @param {Record<string, string>} place
 */
const asCsv = (view_, place) => {
  const columns = view_.table.columns.map((/** @type {[string, string]} */ [key]) => key);
  const cell = (/** @type {unknown} */ value) => {
    const text = value === null || value === undefined ? "" : String(value);
    // What a spreadsheet would take for a formula is kept from it.
    const safe = /^[=+@\t\r-]/.test(text) && typeof value !== "number" ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = [columns, ...rowsOf(place).map((row) => columns.map((/** @type {string} */ key) => row[key]))].map((row) => row.map(cell).join(","));
  return `${lines.join("\r\n")}\r\n`;
};
