
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const narrow = window.matchMedia("(max-width: 760px)");
  const hue = (look) => (dark.matches ? look.dark : look.light);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const byId = new Map(data.nodes.map((node) => [node.id, node]));
  const causes = new Map(data.nodes.map((node) => [node.id, []]));
  const effects = new Map(data.nodes.map((node) => [node.id, []]));
  data.edges.forEach((edge, number) => {
    edge.id = number;
    causes.get(edge.to).push(edge);
    effects.get(edge.from).push(edge);
  });

  // Every piece of text from the record is set as text.
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  // Paths read left to right whatever letters they hold.
  const bdi = (text) => make("bdi", text, { dir: "ltr" });
  const svg = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const icon = (kind) => {
    const drawing = svg("svg", { viewBox: "-15 -15 30 30", width: 20, height: 20, "aria-hidden": "true" });
    const look = data.kinds[kind];
    drawing.append(svg("path", { d: look.path, fill: hue(look), stroke: css("--ink"), "stroke-width": 1.4 }));
    return drawing;
  };
  const sample = (dashes, colour, ring) => {
    const drawing = svg("svg", { viewBox: "0 0 30 20", width: 30, height: 20, "aria-hidden": "true" });
    const stroke = { fill: "none", stroke: colour, "stroke-width": ring ? 3 : 2, "stroke-dasharray": dashes.join(" ") };
    drawing.append(ring ? svg("circle", { cx: 15, cy: 10, r: 8, ...stroke }) : svg("path", { d: "M1 10H29", ...stroke }));
    return drawing;
  };

  // The head of the page.
  at("title").textContent = data.title;
  const drawn = `${data.nodes.length} nodes, ${data.edges.length} edges`;
  const question = data.question && data.question !== data.title ? `${data.question} · ` : "";
  at("seen").textContent = `${question}${drawn} · ${data.seen}`;
  if (data.words.length) {
    at("words").hidden = false;
    at("words").textContent = data.words.slice(0, 3).join("\n");
  }
  if (data.cut.nodes || data.cut.edges) {
    at("cut").hidden = false;
    at("cut").textContent =
      `Cut to the ${data.nodes.length} nodes nearest to the question: ${data.cut.nodes} nodes and ` +
      `${data.cut.edges} edges aren't drawn. Ask about less, or with a smaller --depth, to see them.`;
  }
  if (data.gaps.length) {
    const hard = data.gaps.filter((gap) => gap.blocking).length;
    const box = at("gaps");
    box.hidden = false;
    box.open = hard > 0 && !narrow.matches;
    box.firstElementChild.textContent =
      (hard ? `${hard} ${hard === 1 ? "gap" : "gaps"} could hide an edge` : "") +
      (hard && hard < data.gaps.length ? ", " : "") +
      (hard < data.gaps.length ? `${data.gaps.length - hard} noted` : "");
    for (const gap of data.gaps) {
      const item = make("li", (gap.blocking ? "! " : "") + gap.words);
      if (gap.advice) item.append(make("small", `→ ${gap.advice}`));
      box.lastElementChild.append(item);
    }
  }

  // The picture.
  let chosen = null;
  let lit = null; // ids that stay bright, or null for all
  let theme = {};
  const paths = Object.fromEntries(Object.entries(data.kinds).map(([kind, look]) => [kind, new Path2D(look.path)]));
  const readTheme = () => {
    theme = { ink: css("--ink"), faint: css("--faint"), page: css("--page"), accent: css("--accent"), edge: css("--edge") };
  };
  const write = (context, text, y, colour, font) => {
    context.font = font;
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = theme.page;
    context.strokeText(text, 0, y);
    context.fillStyle = colour;
    context.fillText(text, 0, y);
  };
  const family = 'system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif';
  const draw = ({ ctx: context, id, x, y }) => ({
    drawNode() {
      const node = byId.get(id);
      const state = data.states[node.state];
      context.save();
      context.translate(x, y);
      context.globalAlpha = lit && !lit.has(id) ? 0.22 : 1;
      if (id === chosen) {
        context.beginPath();
        context.arc(0, 0, 27, 0, 7);
        context.fillStyle = theme.accent;
        context.globalAlpha *= 0.3;
        context.fill();
        context.globalAlpha = lit && !lit.has(id) ? 0.22 : 1;
      }
      if (node.focus) {
        context.strokeStyle = theme.accent;
        context.lineWidth = 2.5;
        context.beginPath();
        context.roundRect(-26, -26, 52, 52, 10);
        context.stroke();
      }
      if (state) {
        context.beginPath();
        context.arc(0, 0, 20, 0, 7);
        context.strokeStyle = hue(state);
        context.lineWidth = 3.5;
        context.setLineDash(state.dashes);
        context.stroke();
        context.setLineDash([]);
      }
      context.fillStyle = hue(data.kinds[node.kind]);
      context.strokeStyle = theme.ink;
      context.lineWidth = 1.4;
      context.lineJoin = "round";
      context.fill(paths[node.kind]);
      context.stroke(paths[node.kind]);
      context.restore();
    },
    drawExternalLabel() {
      const node = byId.get(id);
      const state = data.states[node.state];
      context.save();
      context.translate(x, y);
      context.globalAlpha = lit && !lit.has(id) ? 0.3 : 1;
      context.textAlign = "center";
      context.textBaseline = "top";
      const weight = node.focus || id === chosen ? "600 " : "";
      const top = node.focus ? 30 : 24;
      write(context, node.label, top, theme.ink, `${weight}14px ${family}`);
      if (state) write(context, node.state, top + 17, hue(state), `600 12px ${family}`);
      context.restore();
    },
    nodeDimensions: { width: 44, height: 44 },
  });
  readTheme();
  // An edge is drawn as pieces over its way-points; edges of one cause share pieces.
  const bends = new Map();
  const pieces = new Map();
  for (const edge of data.edges) {
    const stops = [edge.from];
    for (const [x, y] of edge.route) {
      const id = `${x},${y}`;
      bends.set(id, { id, x, y, shape: "dot", size: 0.1, borderWidth: 0, chosen: false, color: "transparent" });
      stops.push(id);
    }
    stops.push(edge.to);
    for (let number = 1; number < stops.length; number += 1) {
      const id = `${stops[number - 1]}>${stops[number]}>${edge.evidence}`;
      if (!pieces.has(id)) pieces.set(id, { id, from: stops[number - 1], to: stops[number], last: number === stops.length - 1, edges: [] });
      pieces.get(id).edges.push(edge);
    }
  }
  const pieceLook = ({ id, from, to, last, edges: carried }) => {
    const bright = !lit || carried.some((edge) => lit.has(edge.from) && lit.has(edge.to));
    const dashes = (data.evidence[carried[0].evidence] || { dashes: [] }).dashes;
    const color = lit && bright ? theme.accent : theme.edge;
    return {
      id,
      from,
      to,
      dashes: dashes.length ? dashes : false,
      width: lit && bright ? 2.2 : 1.3,
      arrows: { to: { enabled: last } },
      color: { color, highlight: color, hover: color, opacity: bright ? 1 : 0.15 },
    };
  };
  const nodes = new vis.DataSet([
    ...bends.values(),
    ...data.nodes.map((node) => ({ id: node.id, x: node.x, y: node.y, shape: "custom", ctxRenderer: draw })),
  ]);
  const edges = new vis.DataSet([...pieces.values()].map(pieceLook));
  const network = new vis.Network(at("graph"), { nodes, edges }, data.options);
  const canvas = at("graph").querySelector("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${data.title}: ${drawn}. The list of nodes holds the same.`);
  canvas.parentElement.removeAttribute("tabindex");

  const animation = () => (still.matches ? false : { duration: 250, easingFunction: "easeInOutQuad" });
  const home = data.nodes.find((node) => node.focus) || data.nodes[0];
  const overview = (animate) => {
    // The library's own fit forgets nodes that were never in view.
    const left = Math.min(...data.nodes.map((node) => node.x)) - 85;
    const right = Math.max(...data.nodes.map((node) => node.x)) + 85;
    const top = Math.min(...data.nodes.map((node) => node.y)) - 45;
    const bottom = Math.max(...data.nodes.map((node) => node.y)) + 70;
    const box = at("graph");
    const scale = Math.min(1.2, box.clientWidth / (right - left), box.clientHeight / (bottom - top));
    const position = { x: (left + right) / 2, y: (top + bottom) / 2 };
    network.moveTo({ position, scale, animation: animate ? animation() : false });
  };
  // Open where names can be read: all of it if that is large enough, else around the focus.
  const start = () => {
    overview(false);
    if (network.getScale() < 0.55 && home) {
      const left = effects.get(home.id).length ? 0.3 : 0.7;
      const scale = 0.75;
      const shift = ((0.5 - left) * at("graph").clientWidth) / scale;
      network.moveTo({ position: { x: home.x + shift, y: home.y }, scale, animation: false });
    }
  };
  const zoom = (factor) =>
    network.moveTo({ scale: Math.min(4, Math.max(0.05, network.getScale() * factor)), animation: animation() });
  at("zoom-in").addEventListener("click", () => zoom(1.4));
  at("zoom-out").addEventListener("click", () => zoom(1 / 1.4));
  at("fit").addEventListener("click", () => overview(true));

  // What a node rests on and what rests on it.
  const reach = (id) => {
    const found = new Set([id]);
    for (const [near, end] of [[causes, "from"], [effects, "to"]]) {
      const stack = [id];
      const seen = new Set(stack);
      while (stack.length) {
        for (const edge of near.get(stack.pop())) {
          if (!seen.has(edge[end])) {
            seen.add(edge[end]);
            found.add(edge[end]);
            stack.push(edge[end]);
          }
        }
      }
    }
    return found;
  };
  const relight = () => {
    edges.update([...pieces.values()].map(pieceLook));
    network.redraw();
  };
  const stateOf = (node) => {
    const badge = make("span", node.state, { class: "state" });
    const look = data.states[node.state];
    if (look) badge.style.color = hue(look);
    return badge;
  };
  const links = (title, list, end) => {
    if (!list.length) return [];
    const items = make("ul");
    for (const edge of list) {
      const button = make("button", undefined, { type: "button", class: "link" });
      button.append(icon(byId.get(edge[end]).kind), bdi(byId.get(edge[end]).name));
      const role = edge.role === "input" || edge.role === "output" ? "" : edge.role;
      const said = [role, edge.evidence === "observed" ? "" : edge.evidence, edge.touched.join(", ")].filter(Boolean);
      if (said.length) button.append(make("small", said.join(" · ")));
      button.addEventListener("click", () => choose(edge[end], true));
      const item = make("li");
      item.append(button);
      items.append(item);
    }
    return [make("h3", `${title} (${list.length})`), items];
  };
  const describe = () => {
    const box = at("details");
    box.replaceChildren();
    if (chosen === null) {
      box.append(make("p", "Choose a node, in the picture or in the list, to see what is recorded about it."));
      return;
    }
    const node = byId.get(chosen);
    const heading = make("h2");
    heading.append(bdi(node.name));
    const list = make("dl");
    for (const [key, value] of node.details) {
      const entry = make("dd");
      entry.append(key === "state" ? stateOf(node) : bdi(value));
      list.append(make("dt", key), entry);
    }
    const run = node.kind === "Run";
    box.append(
      heading,
      list,
      ...links(run ? "Used" : "Comes from", causes.get(chosen), "from"),
      ...links(run ? "Produced" : "Leads to", effects.get(chosen), "to"),
    );
    box.scrollTop = 0;
  };
  const choose = (id, move) => {
    chosen = id;
    lit = id === null ? null : reach(id);
    network.selectNodes(id === null ? [] : [id]);
    if (move && id !== null) {
      const position = network.getPosition(id);
      network.moveTo({ position, scale: Math.max(network.getScale(), 0.75), animation: animation() });
    }
    describe();
    relight();
    for (const button of at("nodes").querySelectorAll("button")) {
      const current = button.dataset.id === String(id);
      button.setAttribute("aria-current", String(current));
      if (current && !narrow.matches) button.scrollIntoView({ block: "nearest" });
    }
  };
  network.on("click", (event) => choose(byId.has(event.nodes[0]) ? event.nodes[0] : null, false));
  network.on("hoverNode", (event) => (canvas.style.cursor = byId.has(event.node) ? "pointer" : ""));
  network.on("blurNode", () => (canvas.style.cursor = ""));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target !== at("search")) choose(null, false);
  });

  // The list: the same nodes, for keyboards and screen readers.
  const rank = (node) => (node.focus ? 0 : node.state && node.state !== "current" ? 1 : 2);
  const order = [...data.nodes].sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name, undefined, { numeric: true }));
  const listing = () => {
    const wanted = at("search").value.trim().toLowerCase();
    const fits = order.filter((node) => `${node.name}\n${node.kind}\n${node.state}`.toLowerCase().includes(wanted));
    at("count").textContent = wanted ? `${fits.length} of ${order.length} nodes` : `${order.length} nodes`;
    at("nodes").replaceChildren(
      ...fits.map((node) => {
        const button = make("button", undefined, { type: "button", "data-id": node.id, "aria-current": String(node.id === chosen) });
        button.append(icon(node.kind), bdi(node.name));
        if (node.state) button.append(stateOf(node));
        button.setAttribute("aria-label", [node.kind, node.name, node.state, node.focus ? "asked about" : ""].filter(Boolean).join(", "));
        button.addEventListener("click", () => choose(node.id, true));
        const item = make("li");
        item.append(button);
        return item;
      }),
    );
    if (chosen === null) {
      lit = wanted ? new Set(fits.map((node) => node.id)) : null;
      relight();
    }
  };
  at("search").addEventListener("input", listing);
  at("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") at("nodes").querySelector("button")?.click();
  });

  const legend = () => {
    const box = at("legend").querySelector("div");
    box.replaceChildren();
    const entry = (drawing, text, title) => {
      const item = make("span", undefined, title ? { title } : {});
      item.append(drawing, text);
      box.append(item);
    };
    for (const [kind, look] of Object.entries(data.kinds)) entry(icon(kind), look.words);
    const states = new Set(data.nodes.map((node) => node.state));
    for (const [state, look] of Object.entries(data.states)) {
      if (states.has(state)) entry(sample(look.dashes, hue(look), true), state, look.words);
    }
    const evidence = new Set(data.edges.map((edge) => edge.evidence));
    for (const [name, look] of Object.entries(data.evidence)) {
      if (evidence.has(name)) entry(sample(look.dashes, css("--edge"), false), name, look.words);
    }
    if (data.nodes.some((node) => node.focus)) {
      const drawing = svg("svg", { viewBox: "0 0 30 20", width: 30, height: 20, "aria-hidden": "true" });
      drawing.append(svg("rect", { x: 6, y: 1, width: 18, height: 18, rx: 4, fill: "none", stroke: css("--accent"), "stroke-width": 2 }));
      entry(drawing, "asked about");
    }
  };
  if (narrow.matches) at("legend").open = false;
  const dress = () => {
    readTheme();
    legend();
    listing();
    describe();
    relight();
  };
  dark.addEventListener("change", dress);
  dress();
  start();
  window.addEventListener("resize", () => network.redraw());
  // For tests and for the curious: what is drawn, and where.
  window.provgraph = {
    nodes: () => data.nodes.length,
    edges: () => data.edges.length,
    place: (id) => network.canvasToDOM(network.getPosition(id)),
    scale: () => network.getScale(),
  };
})();
