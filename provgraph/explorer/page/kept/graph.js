/** The graph that a kept file holds: columns, and which edges touch a node. */

/**
 * @typedef {{
 *   title: string, as_of: string, viewpoint: string, question: string, command: string, headline: string, start: Record<string, string> | null,
 *   totals: Record<string, number>, gaps: any[], looks: any, views: {asked: Record<string, string>, view: any}[], shows: Record<string, any>,
 *   words: Record<string, string[]>,
 *   nodes: {id: string[], name: string[], about: string[]} & Record<string, any>,
 *   edges: {cause: number[], effect: number[], type: number[], role: number[], evidence: number[]},
 * }} Kept
 * @typedef {ReturnType<typeof graphOf>} Graph
 */

/** @returns {Promise<Kept>} */
export const unpacked = async () => {
  const text = document.getElementById("kept")?.textContent || "";
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
};

/** @param {Kept} kept */
export const graphOf = (kept) => {
  const { nodes, edges, words } = kept;
  const size = nodes.id.length;
  /** @type {Map<string, number>} */
  const place = new Map(nodes.id.map((id, at) => [id, at]));
  let effect = 0;
  const effects = Int32Array.from(edges.effect, (more) => (effect += more));
  const causes = Int32Array.from(edges.cause, (less, at) => effects[at] - less);
  let time = 0;
  const times = Float64Array.from(nodes.time, (/** @type {number | null} */ more) => (more === null ? NaN : (time += more)));
  const into = sorted(effects, size);
  const outOf = sorted(causes, size);
  const made = new Uint8Array(size);
  const PRODUCES = words.type.indexOf("PRODUCES");
  edges.type.forEach((type, edge) => {
    if (type === PRODUCES) made[effects[edge]] = 1;
  });
  const said = (/** @type {string} */ column) => (/** @type {number} */ at) => words[column][nodes[column][at]];
  const kind = said("kind");
  const state = said("state");
  const step = said("step");
  /** @param {number[]} several */
  const values = (several) => {
    /** @type {Record<string, any[]>} */
    const out = {};
    for (const column of FACETS) {
      const found = new Set(several.map((at) => words[column][nodes[column][at]]).filter(Boolean));
      if (found.size) out[column] = [...found];
    }
    const dated = several.map((at) => times[at]).filter((one) => !Number.isNaN(one));
    if (dated.length) out.time = [Math.min(...dated), Math.max(...dated)];
    return out;
  };
  return {
    size,
    id: (/** @type {number} */ at) => nodes.id[at],
    name: (/** @type {number} */ at) => nodes.name[at],
    about: (/** @type {number} */ at) => nodes.about[at],
    kind,
    state,
    step,
    status: said("status"),
    pinned: said("pinned"),
    unseen: (/** @type {number} */ at) => said("unseen")(at).split("\n").filter(Boolean),
    facet: (/** @type {string} */ column, /** @type {number} */ at) => (words[column] ? words[column][nodes[column][at]] : ""),
    time: (/** @type {number} */ at) => times[at],
    made: (/** @type {number} */ at) => made[at] === 1,
    cause: (/** @type {number} */ edge) => causes[edge],
    effect: (/** @type {number} */ edge) => effects[edge],
    type: (/** @type {number} */ edge) => words.type[edges.type[edge]],
    role: (/** @type {number} */ edge) => words.role[edges.role[edge]],
    evidence: (/** @type {number} */ edge) => words.evidence[edges.evidence[edge]],
    into: (/** @type {number} */ at) => into.of(at),
    outOf: (/** @type {number} */ at) => outOf.of(at),
    /** @param {number[]} several @param {"cause" | "effect"} end */
    count: (several, end) => (several.length < 2 ? several.length : new Set(several.map((edge) => `${end === "cause" ? causes[edge] : effects[edge]} ${edges.type[edge]}`)).size),
    values,
    /** @param {string} text an id, the beginning of one, or a name @returns {number[]} */
    find: (text) => {
      const wanted = text.replace(/^\.\//, "").replace(/\/$/, "");
      const at = place.get(text) ?? place.get(`run:${text}`) ?? place.get(text.replace(/^run:/, ""));
      if (at !== undefined) return [at];
      const named = nodes.name.flatMap((one, at_) => (one === wanted ? [at_] : []));
      if (named.length) return named;
      // Ids are cut in a file; the whole one begins with what is kept.
      const longer = nodes.id.flatMap((id, at_) => (/^(gen|run):/.test(id) && id.length > 11 && (text.startsWith(id) || id.startsWith(text)) && text.length > 7 ? [at_] : []));
      return longer.length ? longer : nodes.name.flatMap((one, at_) => (one.startsWith(`${wanted}/`) || one.endsWith(`/${wanted}`) ? [at_] : []));
    },
  };
};

/** What the table and the cards are narrowed by. */
export const FACETS = ["kind", "state", "step", "agent", "tracing", "project", "pinned"];

/**
 * Edges by one of their ends: all edges of an end lie together.
 * @param {Int32Array} ends
 * @param {number} size
 */
const sorted = (ends, size) => {
  const starts = new Int32Array(size + 1);
  for (const end of ends) starts[end + 1] += 1;
  for (let at = 0; at < size; at += 1) starts[at + 1] += starts[at];
  const next = starts.slice();
  const order = new Int32Array(ends.length);
  ends.forEach((end, edge) => (order[next[end]++] = edge));
  return { of: (/** @type {number} */ at) => [...order.subarray(starts[at], starts[at + 1])] };
};
