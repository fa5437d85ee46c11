/** Where one is: the whole state is the address, so that Back works and a link says it all. */

/** @typedef {Record<string, string>} Place */

/** What of an address is the question; the rest is how its answer is shown. */
export const QUESTION = ["q", "of", "to", "because", "before", "after", "all", "step", "status", "since", "until", "touching", "open", "unfold"];

/** @returns {Place} */
export const here = () => {
  /** @type {Place} */
  const place = Object.create(null);
  for (const [key, value] of new URLSearchParams(location.search)) place[key] = value;
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
  if (to === location.pathname + location.search) return;
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

addEventListener("popstate", () => dispatchEvent(new Event("place")));

/** Follow links to places without loading the page again. */
addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin || link.pathname !== "/") return;
  if (link.hash) return;
  event.preventDefault();
  go(Object.fromEntries(new URLSearchParams(link.search)));
});
