/** Asking the server. Everything but notes and pins only reads. */

/** What a server's refusal says. */
export class Refused extends Error {
  /**
   * @param {string} error
   * @param {string} hint
   * @param {string[]} nearest
   */
  constructor(error, hint, nearest) {
    super(error);
    this.hint = hint;
    this.nearest = nearest;
  }
}

/** The server doesn't answer. */
export class Gone extends Error {}

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
