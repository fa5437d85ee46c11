/**
 * What lies around a thing of a kept file, and its picture: as the server draws it from the ledger.
 *
 * A file has no server behind it, so here alone the page lays out, and only what is two edges away.
 */

/**
 * @typedef {import("./graph.js").Graph} Graph
 * @typedef {import("../picture.js").Card} Card
 * @typedef {import("../picture.js").Line} Line
 * @typedef {import("../picture.js").Picture} Picture
 * @typedef {{depth: Map<number, number>, order: number[], edges: number[], focus: number[], later: Set<number>}} Piece
 */

export const HUBS = new Set(["Agent", "Config", "Environment", "Hardware", "Script"]);
const CHIPS = ["Config", "Script", "Environment", "Hardware"];
const FEW = 40;
const MOST_COUNTED = 2000;
const ALIKE = 5;
const MOST_CARDS = 300;
const [WIDTH, HEIGHT, COLUMN, ROW] = [208, 84, 248, 100];

/**
 * @param {Graph} graph
 * @param {number} at
 */
const isHub = (graph, at) => HUBS.has(graph.kind(at)) && !graph.made(at);

/**
 * Take what lies within two edges of some nodes (one, where that is much), and around what was opened.
 * @param {Graph} graph
 * @param {number[]} focus
 * @param {number[]} opened
 * @returns {Piece}
 */
export const near = (graph, focus, opened) => {
  const first = taken(graph, focus, []);
  if (!opened.length) return { ...first, later: new Set() };
  const all = taken(graph, focus, opened);
  return { ...all, later: new Set(all.order.filter((at) => !first.depth.has(at))) };
};

/**
 * @param {Graph} graph
 * @param {number[]} focus
 * @param {number[]} opened
 */
const taken = (graph, focus, opened) => {
  /** @type {Map<number, number>} */
  const depth = new Map(focus.map((at) => [at, 0]));
  const step = (/** @type {number[]} */ from, /** @type {number} */ to) => {
    const found = [];
    for (const at of from) for (const edge of to < 0 ? graph.into(at) : graph.outOf(at)) found.push(to < 0 ? graph.cause(edge) : graph.effect(edge));
    const fresh = [...new Set(found)].filter((at) => !depth.has(at));
    for (const at of fresh) depth.set(at, to);
    return fresh;
  };
  for (const sign of [-1, 1]) {
    const first = step(focus, sign);
    if (first.length <= FEW) step(first, 2 * sign);
  }
  for (const at of opened) {
    const far = depth.get(at);
    if (far === undefined) continue;
    for (const sign of [-1, 1]) if (far * sign >= 0) step([at], far + sign);
  }
  const hubs = new Map([...depth].filter(([at, far]) => far && isHub(graph, at)));
  for (const at of hubs.keys()) depth.delete(at);
  if (depth.size <= MOST_COUNTED) {
    for (const [at, far] of depth) {
      if (graph.kind(at) !== "Run") continue;
      for (const edge of graph.into(at)) {
        const hub = graph.cause(edge);
        if (!depth.has(hub) && !hubs.has(hub) && isHub(graph, hub) && graph.type(edge) === "USES") hubs.set(hub, -Math.abs(far) - 1);
      }
    }
  }
  for (const [at, far] of hubs) depth.set(at, far);
  const order = [...depth.keys()].sort((a, b) => Math.abs(depth.get(a) ?? 0) - Math.abs(depth.get(b) ?? 0) || compare(graph.kind(a), graph.kind(b)) || compare(graph.name(a), graph.name(b)) || compare(graph.id(a), graph.id(b)));
  const edges = order.flatMap((at) => graph.into(at)).filter((edge) => depth.has(graph.cause(edge)));
  return { depth, order, edges, focus };
};

/**
 * @param {string} one
 * @param {string} two
 */
const compare = (one, two) => (one < two ? -1 : one > two ? 1 : 0);

/**
 * Order names as people do: v2 before v10.
 * @param {string} one
 * @param {string} two
 */
export const natural = (one, two) => {
  const [a, b] = [one.split(/(\d+)/), two.split(/(\d+)/)];
  for (let place = 0; place < Math.min(a.length, b.length); place += 1) {
    const order = place % 2 ? Number(a[place]) - Number(b[place]) : compare(a[place], b[place]);
    if (order) return order;
  }
  return a.length - b.length;
};

/**
 * Draw a piece: hubs become chips, alike siblings stacks, the rest cards.
 * @param {Graph} graph
 * @param {Piece} piece
 * @param {string[]} unfolded
 * @returns {{picture: Picture, stacks: Map<number, string>}}
 */
export const drawn = (graph, piece, unfolded) => {
  const made = new Set(piece.edges.map((edge) => graph.effect(edge)));
  const far = (/** @type {number} */ at) => piece.depth.get(at) ?? 0;
  const hubs = new Set(piece.order.filter((at) => HUBS.has(graph.kind(at)) && far(at) && !made.has(at) && !piece.focus.includes(at)));
  const shown = piece.order.filter((at) => !hubs.has(at));
  /** @type {Map<number, number[]>} */
  const chips = new Map();
  for (const edge of piece.edges) {
    if (!hubs.has(graph.cause(edge))) continue;
    const those = chips.get(graph.effect(edge)) || [];
    if (!those.includes(graph.cause(edge))) those.push(graph.cause(edge));
    chips.set(graph.effect(edge), those);
  }
  let group = grouped(graph, piece, shown, unfolded);
  if (new Set(group.values()).size > MOST_CARDS) group = byColumn(graph, piece, shown, unfolded);
  /** @type {Map<string, number[]>} */
  const members = new Map();
  for (const at of shown) members.set(group.get(at) || "", [...(members.get(group.get(at) || "") || []), at]);
  const lines = lined(graph, piece.edges, group);
  const column = columns(graph, piece, shown.filter((at) => !piece.later.has(at)));
  /** @type {Map<number, Card[]>} */
  const first = new Map();
  /** @type {Map<number, Card[]>} */
  const added = new Map();
  for (const [key, several] of members) {
    const card = key.startsWith("stack:") ? stack(graph, key, several) : single(graph, several[0], chips.get(several[0]) || []);
    card.focus = several.some((at) => piece.focus.includes(at));
    card.values = graph.values(several);
    const to = several.every((at) => piece.later.has(at)) ? added : first;
    const place = column.get(several[0]) ?? far(several[0]);
    to.set(place, [...(to.get(place) || []), card]);
    const said = several.length === 1 ? graph.unseen(several[0]) : [];
    if (said.length) {
      const beside = { ...EMPTY, key: `unseen:${card.key}`, name: "Not captured", about: said.length === 1 ? said[0] : `${said.length} gaps`, words: said.join("; "), ask: card.ask, values: card.values, unseen: true };
      to.set(place - 1, [...(to.get(place - 1) || []), beside]);
      lines.push({ cause: beside.key, effect: card.key, evidence: "unseen", role: "", count: 1 });
    }
  }
  const stacks = new Map([...group].filter(([, key]) => key.startsWith("stack:")));
  return { picture: arranged(first, added, lines, shown.length), stacks };
};

/**
 * Give each node the card it is on: itself, or a stack of alike siblings.
 * @param {Graph} graph
 * @param {Piece} piece
 * @param {number[]} shown
 * @param {string[]} unfolded
 */
const grouped = (graph, piece, shown, unfolded) => {
  const far = (/** @type {number} */ at) => Math.abs(piece.depth.get(at) ?? 0);
  const there = new Set(shown);
  /** @type {Map<number, Set<number>>} */
  const inward = new Map();
  for (const edge of piece.edges) {
    const [cause, effect] = [graph.cause(edge), graph.effect(edge)];
    if (!there.has(cause) || !there.has(effect)) continue;
    const [out, close] = far(cause) > far(effect) ? [cause, effect] : [effect, cause];
    inward.set(out, (inward.get(out) || new Set()).add(close));
  }
  const step = (/** @type {number} */ at) => (graph.kind(at) === "Run" ? graph.name(at) : "");
  /** @type {Map<number, string>} */
  const group = new Map(shown.map((at) => [at, graph.id(at)]));
  const focus = new Set(piece.focus);
  /** @param {Map<string, number[]>} sets @param {boolean} careful */
  const fold = (sets, careful) => {
    for (const several of sets.values()) {
      if (several.length < ALIKE || (careful && several.length < 2 * ALIKE && several.some((at) => focus.has(at)))) continue;
      const key = stackKey(several);
      if (!unfolded.includes(key)) for (const at of several) group.set(at, key);
    }
  };
  /** @type {Map<string, number[]>} */
  let sets = new Map();
  const sorted = [...shown].sort((a, b) => far(a) - far(b));
  for (const at of sorted) put(sets, [piece.depth.get(at), graph.kind(at), step(at), ...[...(inward.get(at) || [])].sort((a, b) => a - b)], at);
  fold(sets, true);
  // What hangs on stacks is folded too: forty runs in a stack wrote forty alike tables.
  sets = new Map();
  for (const at of shown) {
    const onto = [...new Set([...(inward.get(at) || [])].map((other) => group.get(other) || ""))].sort();
    if (group.get(at) === graph.id(at) && !focus.has(at) && onto.some((key) => key.startsWith("stack:"))) put(sets, [piece.depth.get(at), graph.kind(at), step(at), ...onto], at);
  }
  fold(sets, false);
  return group;
};

/**
 * Fold everything of one column, kind and state into one card: too many to look at.
 * @param {Graph} graph
 * @param {Piece} piece
 * @param {number[]} shown
 * @param {string[]} unfolded
 */
const byColumn = (graph, piece, shown, unfolded) => {
  /** @type {Map<string, number[]>} */
  const sets = new Map();
  /** @type {Map<number, string>} */
  const group = new Map();
  for (const at of shown) {
    group.set(at, graph.id(at));
    if (!piece.focus.includes(at) || piece.focus.length > MOST_CARDS) put(sets, [piece.depth.get(at), graph.kind(at), graph.state(at)], at);
  }
  for (const several of sets.values()) {
    const key = stackKey(several);
    if (several.length >= ALIKE && !unfolded.includes(key)) for (const at of several) group.set(at, key);
  }
  return group;
};

/** @param {number[]} several */
const stackKey = (several) => `stack:${Math.min(...several)}x${several.length}`;

/**
 * @param {Map<string, number[]>} sets
 * @param {unknown[]} by
 * @param {number} at
 */
const put = (sets, by, at) => {
  const key = JSON.stringify(by);
  const there = sets.get(key);
  if (there) there.push(at);
  else sets.set(key, [at]);
};

/**
 * Give each node its column: causes left of effects, as near to the focus as that allows.
 * @param {Graph} graph
 * @param {Piece} piece
 * @param {number[]} nodes
 */
const columns = (graph, piece, nodes) => {
  const depth = new Map(nodes.map((at) => [at, piece.depth.get(at) ?? 0]));
  const out = new Map(depth);
  for (const side of [1, -1]) {
    /** @type {Map<number, number[]>} */
    const beyond = new Map();
    /** @type {Map<number, number>} */
    const waits = new Map();
    for (const edge of piece.edges) {
      const [near_, far] = side > 0 ? [graph.cause(edge), graph.effect(edge)] : [graph.effect(edge), graph.cause(edge)];
      if ((depth.get(near_) ?? -side) * side >= 0 && (depth.get(far) ?? 0) * side > 0) {
        beyond.set(near_, [...(beyond.get(near_) || []), far]);
        waits.set(far, (waits.get(far) || 0) + 1);
      }
    }
    const ready = [...depth].filter(([at, far]) => far * side >= 0 && !waits.get(at)).map(([at]) => at);
    for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
      for (const far of beyond.get(at) || []) {
        out.set(far, side * Math.max(side * (out.get(far) ?? 0), side * (out.get(at) ?? 0) + 1));
        waits.set(far, (waits.get(far) || 0) - 1);
        if (!waits.get(far)) ready.push(far);
      }
    }
  }
  return out;
};

/**
 * @param {Graph} graph
 * @param {number[]} edges
 * @param {Map<number, string>} group
 * @returns {Line[]}
 */
const lined = (graph, edges, group) => {
  /** @type {Map<string, Line>} */
  const lines = new Map();
  for (const edge of edges) {
    const [cause, effect] = [group.get(graph.cause(edge)), group.get(graph.effect(edge))];
    if (cause === undefined || effect === undefined || cause === effect) continue;
    const key = JSON.stringify([cause, effect]);
    const line = lines.get(key);
    if (!line) lines.set(key, { cause, effect, evidence: graph.evidence(edge), role: graph.role(edge), count: 1 });
    else {
      line.count += 1;
      if ((graph.evidence(edge) === "observed") !== (line.evidence === "observed")) Object.assign(line, { evidence: graph.evidence(edge), role: graph.role(edge) });
    }
  }
  return [...lines.values()];
};

/**
 * @param {Graph} graph
 * @param {number} at
 * @param {number[]} hubs
 * @returns {Card}
 */
const single = (graph, at, hubs) => {
  const rank = (/** @type {number} */ hub) => (CHIPS.includes(graph.kind(hub)) ? CHIPS.indexOf(graph.kind(hub)) : CHIPS.length);
  const marks = [...hubs].sort((a, b) => rank(a) - rank(b) || natural(graph.name(a), graph.name(b)));
  return {
    ...EMPTY,
    key: graph.id(at),
    name: graph.name(at),
    kind: graph.kind(at),
    state: graph.state(at),
    about: graph.about(at),
    ask: graph.id(at),
    pinned: graph.pinned(at),
    causes: graph.count(graph.into(at), "cause"),
    effects: graph.count(graph.outOf(at), "effect"),
    chips: marks.map((hub) => ({ ask: graph.id(hub), name: graph.name(hub), kind: graph.kind(hub), state: graph.state(hub) })),
  };
};

/** @type {Card} */
const EMPTY = { key: "", name: "", kind: "", state: "", about: "", words: "", ask: "", via: "", focus: false, pinned: "", causes: null, effects: null, count: 1, states: {}, chips: [], values: {}, unseen: false, x: 0, y: 0 };

/**
 * @param {Graph} graph
 * @param {string} key
 * @param {number[]} several
 * @returns {Card}
 */
const stack = (graph, key, several) => {
  const kind = graph.kind(several[0]);
  const steps = new Set(several.map((at) => graph.name(at)));
  const failed = several.filter((at) => ["failed", "interrupted"].includes(graph.status(at))).length;
  /** @type {Record<string, number>} */
  const states = {};
  for (const at of several) if (graph.state(at)) states[graph.state(at)] = (states[graph.state(at)] || 0) + 1;
  return {
    ...EMPTY,
    key,
    name: `${several.length.toLocaleString("en")} ${kind.toLowerCase() || "node"}s${kind === "Run" && steps.size === 1 ? ` of ${[...steps][0]}` : ""}`,
    kind,
    state: Object.keys(states).length === 1 ? Object.keys(states)[0] : "",
    about: failed ? `${failed.toLocaleString("en")} failed` : "",
    count: several.length,
    states,
  };
};

/**
 * Place cards: column 0 first, then outwards, each near what it hangs on in the column before.
 * @param {Map<number, Card[]>} first
 * @param {Map<number, Card[]>} added cards that came when the others were already there
 * @param {Line[]} lines
 * @param {number} things
 * @returns {Picture}
 */
const arranged = (first, added, lines, things) => {
  /** @type {Map<string, string[]>} */
  const near_ = new Map();
  for (const { cause, effect } of lines) {
    near_.set(cause, [...(near_.get(cause) || []), effect]);
    near_.set(effect, [...(near_.get(effect) || []), cause]);
  }
  /** @type {Map<string, number>} */
  const rows = new Map();
  const mean = (/** @type {Card} */ card, /** @type {number} */ otherwise) => {
    const known = (near_.get(card.key) || []).flatMap((key) => rows.get(key) ?? []);
    return known.length ? known.reduce((sum, row) => sum + row, 0) / known.length : otherwise;
  };
  const inOrder = (/** @type {Card[]} */ cards) => {
    const means = new Map(cards.map((card) => [card, mean(card, 1e9)]));
    return [...cards].sort((a, b) => (means.get(a) ?? 0) - (means.get(b) ?? 0) || natural(a.name, b.name));
  };
  /** @type {Map<string, number>} */
  const where = new Map();
  /** @type {Card[]} */
  const every = [];
  for (const column of [...first.keys()].sort((a, b) => Math.abs(a) - Math.abs(b) || a - b)) {
    const cards = inOrder(first.get(column) || []);
    cards.forEach((card, place) => rows.set(card.key, place - (cards.length - 1) / 2));
    for (const card of cards) where.set(card.key, column);
    every.push(...cards);
  }
  for (const column of [...added.keys()].sort((a, b) => Math.abs(a) - Math.abs(b))) {
    const rowsTaken = [...where].filter(([, there]) => there === column).map(([key]) => rows.get(key) ?? 0).sort((a, b) => a - b);
    for (const card of inOrder(added.get(column) || [])) {
      const row = free(mean(card, 0), rowsTaken);
      rows.set(card.key, row);
      rowsTaken.push(row);
      where.set(card.key, column);
      every.push(card);
    }
  }
  const least = where.size ? Math.min(...where.values()) : 0;
  const top = rows.size ? Math.min(...rows.values()) : 0;
  for (const card of every) {
    card.x = ((where.get(card.key) ?? 0) - least) * COLUMN;
    card.y = Math.round(((rows.get(card.key) ?? 0) - top) * ROW);
  }
  return {
    cards: every,
    lines: lines.filter((line) => rows.has(line.cause) && rows.has(line.effect)),
    things,
    width: Math.max(0, ...every.map((card) => card.x)) + WIDTH,
    height: Math.max(0, ...every.map((card) => card.y)) + HEIGHT,
    card_width: WIDTH,
    card_height: HEIGHT,
  };
};

/**
 * Give the row nearest to the wanted one that no card overlaps.
 * @param {number} wanted
 * @param {number[]} rows
 */
const free = (wanted, rows) => {
  const tries = [wanted, ...rows.flatMap((row) => [row + 1, row - 1])].filter((row) => rows.every((other) => Math.abs(row - other) >= 1));
  return tries.sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted) || a - b)[0];
};
