/** Narrowing: facets with counts and a span of time. A picture's cards are dimmed, never cut. */

import { countOf, el, name, say } from "./dom.js";
import { change, here } from "./place.js";

const STEPS = 1000;

/**
 * @typedef {{key: string, label: string, values: [string, number][], more: number}} Facet
 * @typedef {{from: number, till: number, counts: number[], undated: number}} Times
 * @typedef {Record<string, any[]>} Values what a card or a row has, by facet; `time` first and last
 */

/**
 * What an address narrows by.
 * @param {Record<string, string>} place
 * @returns {[string, string][]}
 */
export const chosen = (place) => Object.entries(place).filter(([key, value]) => key.startsWith("f.") && value).map(([key, value]) => [key.slice(2), value]);

/** @param {Record<string, string>} place */
const span = (place) => [Number(place.from) || -Infinity, Number(place.till) || Infinity];

/**
 * Whether something is left aside by what an address narrows by. What has no values (the thing asked
 * about) never is, nor by time what has none.
 * @param {Values} values
 * @param {Record<string, string>} place
 */
export const isAside = (values, place) => {
  if (!Object.keys(values).length) return false;
  if (chosen(place).some(([key, value]) => !(values[key] || []).includes(value))) return true;
  const [from, till] = span(place);
  return Boolean(values.time) && (values.time[1] < from || values.time[0] > till);
};

/**
 * Say what is dimmed, and by what.
 * @param {number} count
 * @param {number} all
 * @param {string} noun
 * @param {Record<string, string>} place
 */
export const asideWords = (count, all, noun, place) => {
  const by = chosen(place).map(([key, value]) => `${key} ${value}`);
  if (place.from || place.till) by.push(`time ${place.from ? `from ${told(place.from)} ` : ""}${place.till ? `to ${told(place.till)}` : ""}`.trim());
  if (!by.length) return "";
  return `Narrowed by ${by.join(", ")}: ${count.toLocaleString("en")} of ${countOf(all, noun)} dimmed, none taken away.`;
};

/**
 * @param {number} seconds since 1970
 * @param {number} [length] of the text: to the minute, or to the second
 */
const moment = (seconds, length = 16) => new Date(seconds * 1000).toISOString().slice(0, length).replace("T", " ");

/** A moment of an address, as exact as it stands there. @param {string} value */
const told = (value) => moment(Number(value), value.includes(".") ? 23 : 16);

/**
 * The facets and the slider, folded away until something is narrowed.
 * @param {Facet[]} facets
 * @param {Times | null} times
 */
export const narrowing = (facets, times) => {
  const place = here();
  const box = el("details", { class: "narrow", open: chosen(place).length > 0 || Boolean(place.from || place.till) });
  box.hidden = !facets.length && !times;
  box.append(el("summary", {}, "Narrow by ", el("span", { class: "about" }, [...facets.map((one) => one.label.toLowerCase()), times ? "when" : ""].filter(Boolean).join(", "))));
  const sets = el("div", { class: "facets" });
  box.append(sets);
  fill(sets, facets);
  if (times) box.append(slider(times));
  return box;
};

/**
 * Show facets anew in the box that is there already: focus and the slider stay.
 * @param {Element} box
 * @param {Facet[]} facets
 */
export const again = (box, facets) => {
  const sets = box.querySelector(".facets");
  if (!sets) return;
  const at = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.facet : undefined;
  fill(sets, facets);
  if (at) for (const one of sets.querySelectorAll("button")) if (one.dataset.facet === at) one.focus();
};

/**
 * @param {Element} sets
 * @param {Facet[]} facets
 */
const fill = (sets, facets) => {
  const by = new Map(chosen(here()));
  sets.replaceChildren(
    ...facets.map((facet) =>
      el(
        "div",
        { role: "group", "aria-label": facet.label },
        el("b", {}, facet.label),
        ...facet.values.map(([value, count]) => {
          const pressed = by.get(facet.key) === value;
          return el(
            "button",
            { type: "button", class: "facet", "data-facet": `${facet.key}=${value}`, "aria-pressed": String(pressed), on: { click: () => change({ [`f.${facet.key}`]: pressed ? "" : value, offset: "" }) } },
            name(value),
            el("span", { class: "about" }, count.toLocaleString("en")),
          );
        }),
        facet.more ? el("span", { class: "about" }, `and ${facet.more.toLocaleString("en")} more`) : null,
      ),
    ),
  );
};

/** Mark what is chosen, where counts don't change (a picture's). @param {Element} box */
export const follow = (box) => {
  const by = new Map(chosen(here()));
  for (const one of box.querySelectorAll(".facet")) {
    const [key, ...value] = (one instanceof HTMLElement && one.dataset.facet || "").split("=");
    one.setAttribute("aria-pressed", String(by.get(key) === value.join("=")));
  }
};

/** @param {Times} times */
const slider = (times) => {
  const place = here();
  const wide = times.till - times.from;
  const at = (/** @type {string} */ value, /** @type {number} */ otherwise) => (value ? Math.round(((Number(value) - times.from) / wide) * STEPS) : otherwise);
  const ends = /** @type {HTMLInputElement[]} */ ([
    el("input", { type: "range", min: 0, max: STEPS, value: at(place.from, 0), "aria-label": "Not before" }),
    el("input", { type: "range", min: 0, max: STEPS, value: at(place.till, STEPS), "aria-label": "Not after" }),
  ]);
  const said = el("output", {});
  const most = Math.max(...times.counts);
  const bars = el("div", { class: "bars", "aria-hidden": "true" }, ...times.counts.map((count) => {
    const bar = el("i", { title: String(count) });
    bar.style.height = `${count ? Math.max(8, (count / most) * 100) : 0}%`;
    return bar;
  }));
  const show = () => {
    const [low, high] = ends.map((one) => Number(one.value)).sort((a, b) => a - b);
    const second = (/** @type {number} */ step) => times.from + (step / STEPS) * wide;
    const length = wide < 7200 ? 19 : 16;
    said.textContent = `${moment(second(low), length)} to ${moment(second(high), length)} UTC`;
    [...bars.children].forEach((bar, place_) => bar.classList.toggle("out", ((place_ + 1) / times.counts.length) * STEPS <= low || (place_ / times.counts.length) * STEPS >= high));
    // A moment that lies between two steps belongs to what the slider takes in. A short span has
    // parts of a second, or one end of it would take in the other.
    const parts = wide < 2 * STEPS ? 1000 : 1;
    return { from: low > 0 ? String(Math.floor(second(low) * parts) / parts) : "", till: high < STEPS ? String(Math.ceil(second(high) * parts) / parts) : "" };
  };
  for (const one of ends) {
    one.addEventListener("input", () => change(show(), true));
    one.addEventListener("change", () => say(said.textContent || ""));
  }
  show();
  const all = el("button", { type: "button", on: { click: () => { ends[0].value = "0"; ends[1].value = String(STEPS); change(show(), true); } } }, "All times");
  return el("div", { class: "times", role: "group", "aria-label": "When" }, el("div", { class: "track" }, bars, ...ends), said, all, times.undated ? el("span", { class: "about" }, `${countOf(times.undated, "thing")} without a time`) : null);
};
