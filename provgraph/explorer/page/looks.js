/** How kinds and states look: an icon with its own shape, and always a word. */

import { el, svg } from "./dom.js";

/** @type {Record<string, {path: string, light: string, dark: string}>} */
let kinds = Object.create(null);
/** @type {Record<string, {words: string}>} */
let states = Object.create(null);
/** Copied many times in a picture. @type {Map<string, SVGElement>} */
const icons = new Map();

const MARKS = Object.assign(Object.create(null), {
  affected: "◆",
  stale: "▲",
  behind: "◐",
  modified: "✎",
  missing: "○",
  current: "●",
  replaced: "○",
  failed: "✕",
  interrupted: "✕",
});

/** @param {any} looks */
export const learn = (looks) => {
  icons.clear();
  kinds = Object.assign(Object.create(null), looks.kinds);
  states = Object.assign(Object.create(null), looks.states);
};

/**
 * @param {string} kind
 * @param {number} [size]
 */
export const icon = (kind, size = 20) => {
  const key = `${size} ${kind}`;
  const made = icons.get(key);
  if (made) return /** @type {SVGElement} */ (made.cloneNode(true));
  const look = kinds[kind] || kinds[""];
  const known = kinds[kind] ? kind : "other";
  const box = svg("svg", { viewBox: "-14 -14 28 28", width: size, height: size, class: `icon kind-${known}`, "aria-hidden": "true" });
  if (look) box.append(svg("path", { d: look.path }));
  icons.set(key, box);
  return /** @type {SVGElement} */ (box.cloneNode(true));
};

/** @param {string} state */
export const badge = (state) =>
  state && state !== "source" && state !== "ok"
    ? el("span", { class: `state is-${MARKS[state] ? state : "other"}`, title: states[state]?.words || "" }, el("span", { "aria-hidden": "true" }, MARKS[state] || "■", " "), state)
    : null;

/** @param {string} pinned */
export const pin = (pinned) => (pinned ? el("span", { class: "pin" }, el("span", { "aria-hidden": "true" }, "★ "), pinned) : null);
