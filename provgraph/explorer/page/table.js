/** The table: the same answer as rows to sort, filter, page through and take along as CSV. */

import { get } from "./api.js";
import { countOf, el, name, say } from "./dom.js";
import { badge, icon } from "./looks.js";
import { again, asideWords, chosen, isAside, narrowing } from "./narrow.js";
import { address, asked, change, here } from "./place.js";

const PAGE = 100;

/**
 * @typedef {{columns: [string, string][], rows: Record<string, any>[], facets: import("./narrow.js").Facet[], offset: number, found: number, total: number}} Page
 * @param {Page} page the first rows, as they came with the answer
 * @param {import("./narrow.js").Times | null} times
 * @returns {HTMLElement}
 */
export const table = (page, times) => {
  const place = here();
  const box = el("div", { class: "table" });
  const find = /** @type {HTMLInputElement} */ (el("input", { type: "search", id: "find", placeholder: "Filter these rows", "aria-label": "Filter these rows", value: place.find || "" }));
  const count = el("span", { class: "count", role: "status" });
  const head = el("thead");
  const body = el("tbody");
  const pager = el("div", { class: "pager" });
  const aside = el("p", { class: "aside-words", role: "status", hidden: true });
  const narrow = narrowing(page.facets, times);
  box.append(
    narrow,
    el("div", { class: "bar" }, find, count),
    aside,
    el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Table, scrollable" }, el("table", {}, head, body)),
    pager,
  );

  /** @type {AbortController | null} */
  let going = null;
  let last_ = page;
  // Facets choose rows; the span of time only dims, as in the picture.
  const dim = () => {
    const { from, till } = here();
    let dimmed = 0;
    last_.rows.forEach((row, at) => {
      const out = row.time !== null && row.time !== undefined && isAside({ time: [row.time, row.time] }, { from, till });
      body.children[at]?.classList.toggle("aside", out);
      if (out) dimmed += 1;
    });
    aside.textContent = asideWords(dimmed, last_.rows.length, "row", { from, till });
    aside.hidden = !aside.textContent;
  };
  box.addEventListener("narrow", dim);
  /** @param {Page} shown */
  const show = (shown) => {
    last_ = shown;
    const sort = here().sort || "";
    again(narrow, shown.facets);
    head.replaceChildren(el("tr", {}, ...shown.columns.map(([key, label]) => heading(key, label, sort))));
    body.replaceChildren(...shown.rows.map((row) => rowOf(row, shown.columns)));
    dim();
    const last = shown.offset + shown.rows.length;
    count.textContent = shown.found === shown.total ? countOf(shown.total, "row") : `${shown.found.toLocaleString("en")} of ${countOf(shown.total, "row")}; the filter hides the rest`;
    pager.replaceChildren();
    if (shown.found > shown.rows.length) {
      pager.append(
        el("button", { type: "button", disabled: shown.offset === 0, on: { click: () => change({ offset: String(Math.max(0, shown.offset - PAGE)) }) } }, "Earlier"),
        el("span", {}, `${(shown.offset + 1).toLocaleString("en")} to ${last.toLocaleString("en")} of ${shown.found.toLocaleString("en")}`),
        el("button", { type: "button", disabled: last >= shown.found, on: { click: () => change({ offset: String(last) }) } }, "Later"),
      );
    }
    if (!shown.rows.length) body.append(el("tr", {}, el("td", { colspan: shown.columns.length, class: "none" }, shown.total ? `No row has “${find.value}”; the filter hides ${countOf(shown.total, "row")}` : "No rows")));
  };

  const load = async () => {
    going?.abort();
    going = new AbortController();
    const now = here();
    const more = new URLSearchParams(asked(now));
    for (const key of ["find", "sort", "offset"]) if (now[key]) more.set(key, now[key]);
    for (const [key, value] of chosen(now)) more.set(`f.${key}`, value);
    try {
      show(await get(`/api/rows?${more}`, going.signal));
    } catch (error) {
      if (!(error instanceof DOMException)) count.textContent = error instanceof Error ? error.message : "that failed";
    }
  };
  box.addEventListener("again", load);
  let waiting = 0;
  find.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => change({ find: find.value, offset: "" }, true), 80);
  });
  if (place.find || place.sort || place.offset || chosen(place).length) {
    head.append(el("tr", {}, el("th", {}, "…")));
    load();
  } else show(page);
  return box;
};

/**
 * @param {string} key
 * @param {string} label
 * @param {string} sort
 */
const heading = (key, label, sort) => {
  const up = sort === key;
  const down = sort === `-${key}`;
  const next = up ? `-${key}` : down ? "" : key;
  return el(
    "th",
    { scope: "col", "aria-sort": up ? "ascending" : down ? "descending" : "none" },
    el("button", { type: "button", on: { click: () => { change({ sort: next, offset: "" }, true); say(next ? `Sorted by ${label}` : "In the answer's own order"); } } }, name(label), el("span", { "aria-hidden": "true" }, up ? " ↑" : down ? " ↓" : "")),
  );
};

/**
 * @param {Record<string, any>} row
 * @param {[string, string][]} columns
 */
const rowOf = (row, columns) =>
  el("tr", {}, ...columns.map(([key]) => (key === "name" && row.kind !== undefined ? el("th", { scope: "row" }, linked(row)) : el("td", { class: typeof row[key] === "number" ? "number" : key === "words" ? "words" : null }, cell(row, key)))));

/** @param {Record<string, any>} row */
const linked = (row) => {
  const shown = el("span", { class: "named" }, icon(row.kind, 16), name(row.name));
  return row.ask ? el("a", { href: address({ q: "focus", of: row.ask }) }, shown) : shown;
};

/**
 * @param {Record<string, any>} row
 * @param {string} key
 */
const cell = (row, key) => {
  const value = row[key];
  if (key === "state" || (key === "status" && value !== "ok")) return badge(value) || value;
  if (key === "name" && row.ask) return el("a", { href: address({ q: "focus", of: row.ask }) }, name(value));
  if (typeof value === "number") return Number.isInteger(value) ? value.toLocaleString("en") : String(Math.round(value * 1000) / 1000);
  return name(value ?? "");
};
