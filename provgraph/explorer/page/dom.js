/** Building elements: text is only ever set as text. */

const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff]/g;
const ANY = new RegExp(HIDDEN.source);
const PAIR = /[\ud800-\udbff][\udc00-\udfff]/g;

/**
 * Write characters that hide, reorder or move text as escapes.
 * @param {unknown} value
 * @returns {string}
 */
export const visible = (value) => {
  const text = value === null || value === undefined ? "" : String(value);
  if (!ANY.test(text)) return text;
  const kept = new Set();
  for (const found of text.matchAll(PAIR)) kept.add(found.index).add(found.index + 1);
  return text.replace(HIDDEN, (c, at) =>
    kept.has(at) ? c : c === "\n" ? "\\n" : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
};

/**
 * @typedef {Node | string | number | null | undefined | false} Kid
 * @param {Element} element
 * @param {Record<string, any>} props `on` holds listeners; `false` and null leave one out
 * @param {Kid[]} kids
 */
const fill = (element, props, kids) => {
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") {
      for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const kid of kids) {
    if (kid === null || kid === undefined || kid === false) continue;
    element.append(kid instanceof Node ? kid : document.createTextNode(visible(kid)));
  }
  return element;
};

/**
 * @param {string} name
 * @param {Record<string, any>} [props]
 * @param {...Kid} kids
 * @returns {HTMLElement}
 */
export const el = (name, props = {}, ...kids) =>
  /** @type {HTMLElement} */ (fill(document.createElement(name), props, kids));

/**
 * @param {string} name
 * @param {Record<string, any>} [props]
 * @param {...Kid} kids
 * @returns {SVGElement}
 */
export const svg = (name, props = {}, ...kids) =>
  /** @type {SVGElement} */ (fill(document.createElementNS("http://www.w3.org/2000/svg", name), props, kids));

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * A name that came from outside: kept apart from the direction of the text around it.
 * @param {unknown} text
 * @param {Record<string, any>} [props]
 */
export const name = (text, props = {}) => el("bdi", props, visible(text));

/**
 * @param {number} count
 * @param {string} noun
 */
export const countOf = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** @param {string} words */
export const say = (words) => {
  at("live").textContent = "";
  setTimeout(() => (at("live").textContent = visible(words)), 50);
};
