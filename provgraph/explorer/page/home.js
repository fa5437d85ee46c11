/** Home: before any question. What is out of date, new, unknown, held on to; everything counted. */

import { get } from "./api.js";
import { countOf, el, name } from "./dom.js";
import { badge, icon, pin } from "./looks.js";
import { KEPT, address, change, here } from "./place.js";
import { gapsBox } from "./view.js";

const RECENT = "provgraph-recent";

/**
 * @param {any} home
 * @returns {Node[]}
 */
export const homePage = (home) => {
  if (home.empty) return [empty()];
  return [
    el("div", { class: "head" }, el("h1", {}, home.headline), el("p", { class: "as-of" }, [home.viewpoint, `as of ${home.as_of}`].filter(Boolean).join(" · "))),
    el("div", { class: "counts" }, ...home.states.map(countBox)),
    gapsBox(home.gaps),
    el(
      "div",
      { class: "panels" },
      panel("Out of date", address({ q: "status" }), lateList(home.out_of_date, home.states)),
      panel("Newest runs", address({ q: "log" }), runs(home.runs), countOf(home.run_count, "run")),
      panel("Pinned and published", "", pins(home.pinned)),
      ...(KEPT ? [] : [panel("Structure", address({ q: "structure" }), home.large ? later() : structure()), panel("Recent questions", "", recent())]),
    ),
    overview(home.overview),
  ];
};

const empty = () =>
  el(
    "div",
    { class: "empty" },
    el("h1", {}, "Nothing is recorded yet"),
    el("p", {}, "Watch a command, and what it reads and writes appears here:"),
    el("pre", {}, ...["provgraph init", "provgraph run -- python train.py", "provgraph impact data/"].map((line) => el("code", {}, line))),
    el("p", {}, "This page notices by itself."),
  );

/** @param {any} one */
const countBox = (one) => el("a", { class: `count is-${one.state}${one.count ? "" : " zero"}`, href: address({ q: "status", find: one.state, show: "table" }), title: one.meaning }, el("b", {}, one.count.toLocaleString("en")), badge(one.state));

/**
 * @param {string} title
 * @param {string} href
 * @param {Node} inside
 * @param {string} [more]
 */
const panel = (title, href, inside, more = "") =>
  el("section", { class: "panel" }, el("h2", {}, href ? el("a", { href }, title) : title, more ? el("span", { class: "about" }, ` ${more}`) : null), inside);

/**
 * @param {any[]} late
 * @param {any[]} states
 */
const lateList = (late, states) => {
  if (!late.length) return el("p", { class: "fine" }, "Nothing recorded is out of date.");
  const total = states.filter((one) => one.state !== "current").reduce((sum, one) => sum + one.count, 0);
  return el(
    "ul",
    { class: "rows" },
    ...late.map((one) => el("li", {}, el("a", { href: address({ q: "why", of: one.ask }) }, el("span", { class: "named" }, icon(one.kind, 16), name(one.name))), badge(one.state), pin(one.pinned), el("p", { class: "about" }, one.words))),
    total > late.length ? el("li", {}, el("a", { href: address({ q: "status" }) }, `and ${countOf(total - late.length, "more")}`)) : null,
  );
};

/** @param {any[]} rows */
const runs = (rows) =>
  el(
    "ul",
    { class: "rows" },
    ...rows.map((row) => el("li", {}, el("a", { href: address({ q: "focus", of: row.ask }) }, el("span", { class: "named" }, icon("Run", 16), name(row.name))), badge(row.status), el("span", { class: "about" }, `${row.started}${row.agent ? ` · ${row.agent}` : ""}`), row.note ? el("p", { class: "about" }, name(row.note)) : null)),
  );

/** @param {any[]} pinned */
const pins = (pinned) =>
  pinned.length
    ? el("ul", { class: "rows" }, ...pinned.map((one) => el("li", {}, el("a", { href: address({ q: "focus", of: one.ask }) }, el("span", { class: "named" }, icon(one.kind, 16), name(one.name))), pin(one.pinned), badge(one.state), one.words ? el("span", { class: "about" }, one.words) : null)))
    : el("p", { class: "fine" }, "Nothing is pinned. Open a result and hold on to it, or: provgraph pin NAME");

/** What takes longest to find comes when it is there. */
const structure = () => {
  const box = el("div", {}, el("p", { class: "fine" }, "Looking …"));
  get("/api/view?q=structure").then(
    (view) => {
      const some = view.table.rows.filter((/** @type {any} */ row) => row.what !== "longest chain").slice(0, 6);
      box.replaceChildren(
        el("p", {}, view.headline),
        el("ul", { class: "rows" }, ...some.map((/** @type {any} */ row) => el("li", {}, el("a", { href: address({ q: "focus", of: row.ask }) }, el("span", { class: "named" }, icon(row.kind || "", 16), name(row.name))), el("span", { class: "about" }, `${row.what}: ${row.words}`)))),
      );
    },
    () => box.replaceChildren(el("p", { class: "fine" }, "Not to be had now.")),
  );
  return box;
};

const later = () => el("p", { class: "fine" }, el("a", { href: address({ q: "structure" }) }, "Look for it"), "; of so much it takes a while.");

/** @returns {{href: string, words: string}[]} */
const remembered = () => {
  try {
    const kept = JSON.parse(localStorage.getItem(RECENT) || "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one.href === "string" && one.href.startsWith("/?")).slice(0, 8) : [];
  } catch {
    return [];
  }
};

/**
 * @param {string} href
 * @param {string} words
 */
export const rememberQuestion = (href, words) => {
  try {
    const kept = remembered().filter((one) => one.href !== href);
    localStorage.setItem(RECENT, JSON.stringify([{ href, words }, ...kept].slice(0, 8)));
  } catch {
    // A browser that keeps nothing keeps no questions.
  }
};

const recent = () => {
  const kept = remembered();
  return kept.length ? el("ul", { class: "rows" }, ...kept.map((one) => el("li", {}, el("a", { href: one.href }, name(one.words))))) : el("p", { class: "fine" }, "None yet: choose one above, or press /");
};

/** @param {any} all */
const overview = (all) => {
  const kinds = Object.entries(all.kinds);
  const box = el("section", { class: "panel overview" }, el("h2", {}, "Everything recorded"), el("p", {}, [...kinds.map(([kind, count]) => countOf(Number(count), kind.toLowerCase())), countOf(all.totals.runs, "run")].join(", ")));
  if (!all.lanes.length) {
    if (all.undated) box.append(el("p", { class: "about" }, `${countOf(all.undated, "run")} without a time`));
    return box;
  }
  const byKind = here().lanes === "kind";
  const choice = (/** @type {string} */ words, /** @type {string} */ lanes, /** @type {boolean} */ pressed) => el("button", { type: "button", "aria-pressed": String(pressed), on: { click: () => change({ lanes }) } }, words);
  box.append(el("div", { class: "toggle", role: "group", "aria-label": "Counted by" }, choice("Runs by step", "", !byKind), choice("What they made, by kind", "kind", byKind)));
  const lanes = byKind ? all.made : all.lanes;
  const noun = byKind ? "thing" : "run";
  const most = Math.max(0, ...lanes.flatMap((/** @type {any} */ lane) => lane.runs));
  /** @type {(lane: any) => Record<string, string>} */
  const where = (lane) => (byKind ? { making: lane.label } : lane.label === "other steps" ? {} : { step: lane.label });
  const head = el("tr", {}, el("th", { scope: "col" }, byKind ? "Kind" : "Step"), el("th", { scope: "col", colspan: all.spans.length - 1 }, `${short(all.spans[0])} to ${short(all.spans[all.spans.length - 1])}`));
  const body = lanes.map((/** @type {any} */ lane) => el("tr", {}, el("th", { scope: "row" }, el("a", { href: address({ q: "log", ...where(lane) }) }, name(lane.label))), ...lane.runs.map((/** @type {number} */ count, /** @type {number} */ place) => cell(where(lane), noun, count, lane.failed[place], place, all.spans, most))));
  const said = byKind ? "What runs made, by kind and time; a mark leads to the runs that made it" : "Runs by step and time; a mark leads to its runs";
  box.append(el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": byKind ? "What was made, by kind and time" : "Runs by step and time" }, el("table", { class: "lanes" }, el("caption", {}, said, all.undated ? `; ${countOf(all.undated, "run")} without a time` : ""), el("thead", {}, head), el("tbody", {}, ...body))));
  return box;
};

/** @param {string} text */
const short = (text) => text.slice(0, 16).replace("T", " ");

/**
 * @param {Record<string, string>} where what of the log the lane is
 * @param {string} noun
 * @param {number} count
 * @param {number} failed
 * @param {number} place
 * @param {string[]} spans
 * @param {number} most
 */
const cell = (where, noun, count, failed, place, spans, most) => {
  if (!count) return el("td");
  const label = `${countOf(count, noun)}${failed ? `, ${failed} ${noun === "run" ? "failed" : "of runs that failed"}` : ""}, from ${short(spans[place])}`;
  const level = Math.ceil((count / most) * 4);
  const when = place === spans.length - 2 ? { since: spans[place], until: "" } : { since: spans[place], until: spans[place + 1] };
  return el("td", {}, el("a", { class: `mark level-${level}${failed ? " bad" : ""}`, href: address({ q: "log", ...when, ...where }), "aria-label": label, title: label }, failed ? `${count}✕` : count));
};
