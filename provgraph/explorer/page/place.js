/** Where one is: the whole state is the address, so that Back works and a link says it all. */

/** @typedef {Record<string, string>} Place */

/** What of an address is the question; the rest is how its answer is shown. */
export const QUESTION = ["q", "of", "to", "because", "before", "after", "all", "step", "status", "since", "until", "touching", "making", "open", "unfold"];

/** Whether the page is a file of its own: then its place stands behind the `#`. */
export const KEPT = document.documentElement.dataset.kept !== undefined;

/** What of the address says where one is. */
export const query = () => (KEPT ? location.hash : location.search);

/** @returns {Place} */
export const here = () => {
  /** @type {Place} */
  const place = Object.create(null);
  for (const [key, value] of new URLSearchParams(query().slice(1))) place[key] = value;
  return place;
};

/**
 * @param {Place} place
 * @returns {string}
 */
export const address = (place) => {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(place)) if (value) params.append(key, value);
  const text = params.toString();
  if (KEPT) return `#${text}`;
  return text ? `/?${text}` : "/";
};

/**
 * The part of a place that the server is asked with.
 * @param {Place} place
 * @returns {string}
 */
export const asked = (place) => {
  const params = new URLSearchParams();
  for (const key of QUESTION) if (place[key]) params.append(key, place[key]);
  return params.toString();
};

/**
 * Go somewhere: `place` is all of it.
 * @param {Place} place
 * @param {boolean} [replace]
 */
export const go = (place, replace = false) => {
  const to = address(place);
  if (to === (KEPT ? location.hash || "#" : location.pathname + location.search)) return;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  dispatchEvent(new Event("place"));
};

/**
 * Change something of where one is.
 * @param {Place} changes
 * @param {boolean} [replace]
 */
export const change = (changes, replace = false) => go({ ...here(), ...changes }, replace);

/**
 * Begin somewhere, before anything is shown.
 * @param {Place} place
 */
export const begin = (place) => history.replaceState(null, "", address(place));

addEventListener("popstate", () => dispatchEvent(new Event("place")));

/** Follow links to places without loading the page again. */
addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (KEPT && link?.hash === "#main") {
    event.preventDefault();
    return document.getElementById("main")?.focus();
  }
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin || link.pathname !== "/") return;
  if (link.hash) return;
  event.preventDefault();
  go(Object.fromEntries(new URLSearchParams(link.search)));
});
