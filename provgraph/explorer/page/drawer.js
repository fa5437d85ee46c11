/** The drawer: everything about a node, or what is in a stack; a note, a pin, the command. */

import { get, post } from "./api.js";
import { at, countOf, el, name, say, svg, visible } from "./dom.js";
import { badge, icon, pin } from "./looks.js";
import { KEPT, address, asked, change, go, here } from "./place.js";

/** @type {AbortController | null} */
let going = null;
/** @type {Element | null} */
let from = null;

export const close = () => {
  going?.abort();
  const drawer = at("drawer");
  if (drawer.hidden) return;
  drawer.hidden = true;
  drawer.replaceChildren();
  if (from instanceof HTMLElement && from.isConnected) from.focus({ preventScroll: true });
  from = null;
};

/**
 * Show what is chosen.
 * @param {string} key a node's id, or a stack's
 * @param {any} card the card that was chosen, if it is in the picture
 */
export const open = async (key, card) => {
  going?.abort();
  going = new AbortController();
  const drawer = at("drawer");
  if (drawer.hidden) from = document.activeElement;
  drawer.hidden = false;
  drawer.replaceChildren(el("p", { class: "loading" }, "Looking …"));
  try {
    const filled = card?.unseen && !card.ask ? unknown(card) : key.startsWith("stack:") || key.startsWith("sum:") || key === "asked" ? await stack(key, card, going.signal) : await node(key, card, going.signal);
    drawer.replaceChildren(closing(), ...filled);
    drawer.scrollTop = 0;
  } catch (error) {
    if (error instanceof DOMException) return;
    drawer.replaceChildren(closing(), el("h2", {}, "Not shown"), el("p", {}, error instanceof Error ? error.message : ""));
  }
};

const closing = () => el("button", { type: "button", class: "close", "aria-label": "Close details", title: "Close (Esc)", on: { click: () => change({ node: "" }) } }, "×");

/**
 * What a card tells that stands for no node: what wasn't captured.
 * @param {any} card
 */
const unknown = (card) => [el("h2", {}, card.name), el("p", {}, "Not captured, so it can't be told what it touched:"), el("ul", { class: "rows" }, ...card.words.split("; ").map((/** @type {string} */ one) => el("li", {}, name(one))))];

/**
 * @param {string} words
 * @param {Record<string, string>} place
 */
const way = (words, place) => el("a", { class: "button", href: address(place) }, words);

/**
 * @param {string} key
 * @param {any} card
 * @param {AbortSignal} signal
 * @returns {Promise<Node[]>}
 */
const node = async (key, card, signal) => {
  const shown = await get(`/api/show?${new URLSearchParams({ of: key })}`, signal);
  const of = shown.selector;
  const out = [
    el("h2", {}, icon(shown.kind, 22), name(shown.name)),
    el("p", { class: "second" }, el("span", {}, shown.kind), badge(shown.state), pin(shown.pinned)),
    el(
      "div",
      { class: "ways" },
      way("Look around it", { q: "focus", of }),
      KEPT ? null : way("What does this affect?", { q: "impact", of }),
      KEPT ? null : way("Where did it come from?", { q: "why", of }),
      here().q === "impact" && here().of && card && !card.focus && !KEPT ? way(`All paths from ${here().of}`, { q: "explain", of: here().of, to: of, all: here().all || "" }) : null,
      shown.is_run && !KEPT ? way(`Compare with the newest ${shown.name}`, { q: "diff", before: of, after: shown.name }) : null,
    ),
  ];
  if (shown.command.length) out.push(section("Run as", copyable(shown.command.map(quoted).join(" "))));
  out.push(
    el("dl", { class: "facts" }, ...shown.facts.flatMap((/** @type {[string, string]} */ [label, value]) => [el("dt", {}, label), el("dd", {}, name(value))])),
  );
  if (!shown.is_run && shown.kind !== "Environment" && shown.kind !== "Hardware") out.push(preview(key));
  for (const [title, pairs] of [["Metrics", shown.metrics], ["Parameters", shown.params]]) {
    if (!pairs.length) continue;
    if (title === "Metrics") out.push(section(title, metrics(shown)));
    else out.push(section(title, el("dl", { class: "facts" }, ...pairs.flatMap((/** @type {[string, unknown]} */ [label, value]) => [el("dt", {}, name(label)), el("dd", {}, name(value))]))));
  }
  if (shown.evidence) out.push(el("p", { class: "about" }, shown.evidence));
  for (const [title, lines] of shown.lists) out.push(section(`${title} (${lines.length.toLocaleString("en")})`, list(lines)));
  if (shown.gaps.length) out.push(section("What isn't known", el("ul", {}, ...shown.gaps.map((/** @type {any} */ gap) => el("li", {}, gap.words)))));
  if (!KEPT || shown.notes.length) out.push(notes(of, shown.notes));
  if (!KEPT && !shown.is_run) out.push(pinning(of, shown.pinned));
  return out;
};

/**
 * A run's metrics, each with how it went over the runs of its step.
 * @param {any} shown
 */
const metrics = (shown) => {
  const box = el("dl", { class: "facts" });
  /** @type {Map<string, HTMLElement>} */
  const lines = new Map();
  for (const [label, value] of shown.metrics) {
    const line = el("dd", {}, name(value), " ");
    lines.set(label, line);
    box.append(el("dt", {}, name(label)), line);
  }
  get(`/api/history?${new URLSearchParams({ step: shown.name })}`).then(
    (told) => {
      for (const [label, line] of lines) {
        const points = Object.hasOwn(told.metrics, label) ? told.metrics[label] : [];
        if (points.length > 1) line.append(sparkline(label, points, shown.selector));
      }
    },
    () => undefined,
  );
  return box;
};

/**
 * @param {string} label
 * @param {[string, string, number][]} points run, time, value, oldest first
 * @param {string} here_ the run that is shown
 */
const sparkline = (label, points, here_) => {
  const values = points.map(([, , value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (/** @type {number} */ at_) => 3 + (at_ / (points.length - 1)) * 114;
  const y = (/** @type {number} */ value) => (high === low ? 12 : 21 - ((value - low) / (high - low)) * 18);
  const said = `${label} over ${points.length} runs: from ${values[0]} to ${values[values.length - 1]}, lowest ${low}, highest ${high}`;
  const drawn = svg("svg", { class: "sparkline", viewBox: "0 0 120 24", width: 120, height: 24, role: "img", "aria-label": visible(said) });
  drawn.append(svg("title", {}, said), svg("polyline", { points: values.map((value, at_) => `${x(at_).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
  points.forEach(([run, when, value], at_) => {
    const mark = svg("circle", { cx: x(at_).toFixed(1), cy: y(value).toFixed(1), r: run === here_ ? 3.5 : 1.5, class: run === here_ ? "here" : null });
    mark.append(svg("title", {}, `${value} · ${when}`));
    drawn.append(mark);
  });
  return drawn;
};

/**
 * A glance at the content: asked for when it is there to be seen.
 * @param {string} of
 */
const preview = (of) => {
  const inside = el("div", {}, el("p", { class: "about" }, "Looking …"));
  get(`/api/preview?${new URLSearchParams({ of })}`).then(
    (told) => inside.replaceChildren(...previewed(of, told)),
    (error) => inside.replaceChildren(el("p", { class: "about" }, error instanceof Error ? error.message : "")),
  );
  return section("Content", inside);
};

/**
 * @param {string} of
 * @param {any} told
 * @returns {Node[]}
 */
const previewed = (of, told) => {
  if (told.type === "none") return [el("p", { class: "about" }, name(told.words || `${told.size.toLocaleString("en")} bytes that are no text, table or image`))];
  const from = el("p", { class: "about" }, `${told.size.toLocaleString("en")} bytes, from ${told.where}`);
  if (told.type === "image") {
    const image = el("img", { class: "glance", alt: "", src: `/api/image?${new URLSearchParams({ of })}`, on: { error: () => image.replaceWith(el("p", { class: "about" }, "This image can't be drawn.")) } });
    return [image, from];
  }
  if (told.type === "text") return [el("pre", { class: "glance", tabindex: "0", "aria-label": "The text" }, ...told.lines.map((/** @type {string} */ line) => el("code", {}, line))), told.more ? el("p", { class: "about" }, "the rest isn't shown") : null, from].filter((one) => one !== null);
  const cells = (/** @type {string[]} */ row, /** @type {string} */ kind) => el("tr", {}, ...row.map((cell) => el(kind, {}, name(cell))));
  const rest = [told.more ? "more rows" : "", told.wide > told.columns.length ? "more columns" : ""].filter(Boolean).join(", ");
  return [el("div", { class: "wide glance", tabindex: "0", role: "region", "aria-label": "The first rows" }, el("table", {}, el("thead", {}, cells(told.columns, "th")), el("tbody", {}, ...told.rows.map((/** @type {string[]} */ row) => cells(row, "td"))))), rest ? el("p", { class: "about" }, `${rest} aren't shown`) : null, from].filter((one) => one !== null);
};

/**
 * @param {string} title
 * @param {...Node} inside
 */
const section = (title, ...inside) => el("section", {}, el("h3", {}, title), ...inside);

/** @param {string} word */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);

/**
 * @param {string} text
 * @param {string} [words]
 */
export const copier = (text, words = "Copy") => {
  const button = el("button", { type: "button", on: { click: async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      say("Copied");
    } catch {
      button.textContent = "Select and copy it";
    }
    setTimeout(() => (button.textContent = words), 2000);
  } } }, words);
  return button;
};

/**
 * @param {string} text a command
 * @param {string} [words]
 */
export const copyable = (text, words = "Copy") => el("div", { class: "command" }, el("code", { title: visible(text) }, text), copier(text, words));

/** @param {any[]} lines */
const list = (lines) => {
  const box = el("div");
  const shown = el("ul", { class: "lines-of" });
  const find = /** @type {HTMLInputElement} */ (el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter this list" }));
  const fill = () => {
    const wanted = find.value.toLowerCase();
    const some = lines.filter((line) => line.name.toLowerCase().includes(wanted));
    shown.replaceChildren(
      ...some.slice(0, 200).map((line) =>
        el(
          "li",
          {},
          el("a", { href: address({ q: "focus", of: line.id }) }, el("span", { class: "named" }, icon(line.kind, 16), name(line.name))),
          badge(line.state),
          el("span", { class: "about" }, [line.role, line.evidence === "observed" ? "" : line.evidence, line.touched.length ? `touched ${line.touched.slice(0, 4).join(", ")}${line.touched.length > 4 ? ` and ${line.touched.length - 4} more` : ""}` : ""].filter(Boolean).join(" · ")),
        ),
      ),
    );
    if (some.length > 200) shown.append(el("li", { class: "about" }, `and ${countOf(some.length - 200, "more")}: filter to find them`));
  };
  find.addEventListener("input", fill);
  if (lines.length > 12) box.append(find);
  box.append(shown);
  fill();
  return box;
};

/**
 * @param {string} of
 * @param {string[]} there
 */
const notes = (of, there) => {
  const text = /** @type {HTMLTextAreaElement} */ (el("textarea", { rows: 2, maxlength: 4000, "aria-label": "A note", placeholder: "Why was this done?" }));
  const form = el("form", {}, text, el("button", { type: "submit" }, "Write the note"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!text.value.trim()) return text.focus();
    await told(form, () => post("/api/note", { of, text: text.value }), "The note is recorded");
  });
  return section("Notes", ...there.map((note) => el("blockquote", {}, name(note))), ...(KEPT ? [] : [form]));
};

/**
 * @param {string} of
 * @param {string} pinned
 */
const pinning = (of, pinned) => {
  const box = el("div", { class: "ways" });
  for (const [how, words] of [["pinned", "Pin"], ["published", "Mark as published"], ["none", "Let go"]]) {
    if ((how === "none") === !pinned || how === pinned) continue;
    box.append(el("button", { type: "button", on: { click: () => told(box, () => post("/api/pin", { of, as: how }), how === "none" ? "Let go" : `Recorded as ${how}`) } }, words));
  }
  return section("Hold on to it", box);
};

/**
 * @param {HTMLElement} box
 * @param {() => Promise<unknown>} change_
 * @param {string} done
 */
const told = async (box, change_, done) => {
  box.querySelector(".failed")?.remove();
  try {
    await change_();
    say(done);
    dispatchEvent(new Event("recorded"));
  } catch (error) {
    box.append(el("p", { class: "failed", role: "alert" }, error instanceof Error ? error.message : "that failed"));
  }
};

/**
 * What is in a stack: a list to search, and a way to lay it out.
 * @param {string} key
 * @param {any} card
 * @param {AbortSignal} signal
 * @returns {Promise<Node[]>}
 */
const stack = async (key, card, signal) => {
  const place = here();
  const title = el("h2", {}, icon(card?.kind || "", 22), name(card?.name || "A stack"));
  const states = Object.entries(card?.states || {});
  const said = states.length ? el("p", {}, states.map(([state, count]) => `${Number(count).toLocaleString("en")} ${state}`).join(", ")) : null;
  const unfold = (place.unfold || "").split(",").filter(Boolean);
  const out = [title, ...(said ? [said] : []), ...(card?.words ? [el("p", {}, card.words)] : [])];
  if (key.startsWith("sum:")) {
    out.push(el("p", {}, "They are too many to draw one by one."), way("See them in the table", { ...place, show: "table", node: "", find: "" }));
    return out;
  }
  out.push(el("div", { class: "ways" }, el("button", { type: "button", on: { click: () => go({ ...place, unfold: [...unfold, key].join(","), node: "" }) } }, "Lay them out"), way("All in the table", { ...place, show: "table", node: "" })));
  const page = await get(`/api/rows?${new URLSearchParams([...new URLSearchParams(asked(place)), ["stack", key], ["limit", "1000"]])}`, signal);
  const lines = page.rows.map((/** @type {any} */ row) => ({ id: row.ask, name: row.name, kind: row.kind, state: row.state, role: row.about || row.words || "", evidence: "observed", touched: [] }));
  if (page.found > lines.length) out.push(el("p", { class: "about" }, `The first ${lines.length.toLocaleString("en")} of ${page.found.toLocaleString("en")}; the table has all`));
  if (lines.length) out.push(section(countOf(page.found, "member"), list(lines)));
  return out;
};
