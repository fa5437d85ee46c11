/** Asking the server. Everything but notes and pins only reads. */

import { asked } from "./place.js";
import { Gone, Refused } from "./refused.js";

let proof = "";
/** @type {string | null} */
let tag = null;

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
const call = async (path, options = {}) => {
  try {
    return await fetch(path, { credentials: "same-origin", redirect: "error", cache: "no-store", ...options });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Gone("the server doesn't answer");
  }
};

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
const read = async (response) => {
  if (response.headers.get("content-type")?.startsWith("application/json")) {
    const told = await response.json();
    if (response.ok) return told;
    throw new Refused(told.error || "that failed", told.hint || "", told.nearest || []);
  }
  const words = (await response.text()).trim();
  throw new Refused(response.status === 500 ? "provgraph failed to answer this" : words, "see the terminal", []);
};

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export const get = async (path, signal) => read(await call(path, { signal }));

/**
 * @param {string} path
 * @param {Record<string, string>} body
 */
export const post = async (path, body) =>
  read(
    await call(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-provgraph-proof": proof },
      body: JSON.stringify(body),
    }),
  );

/**
 * Ask what was last seen; null where that is what it was.
 * @returns {Promise<any>}
 */
export const state = async () => {
  const response = await call("/api/state", tag ? { headers: { "if-none-match": tag } } : {});
  if (response.status === 304) return null;
  const told = await read(response);
  tag = response.headers.get("etag");
  proof = told.proof;
  return told;
};

/**
 * The files that a view can be taken along as: format, the file's name, where it is had.
 * @param {any} view
 * @param {Record<string, string>} place
 * @returns {[string, string, () => string][]}
 */
export const exported = (view, place) =>
  (view.formats || []).map((/** @type {string} */ format) => [format, `provgraph-${view.question}.${ENDINGS[format] || format}`, () => `/api/export?${asked(place)}&as=${format}`]);

const ENDINGS = Object.assign(Object.create(null), { mermaid: "mmd", page: "html" });
