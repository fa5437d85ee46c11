/** The drawer: everything about a node, or what is in a stack; a note, a pin, the command. */

import { get, post } from "./api.js";
import { at, countOf, el, name, say, visible } from "./dom.js";
import { badge, icon, pin } from "./looks.js";
import { address, asked, change, go, here } from "./place.js";

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
    const filled = key.startsWith("stack:") || key.startsWith("sum:") || key === "asked" ? await stack(key, card, going.signal) : await node(key, going.signal);
    drawer.replaceChildren(closing(), ...filled);
    drawer.scrollTop = 0;
  } catch (error) {
    if (error instanceof DOMException) return;
    drawer.replaceChildren(closing(), el("h2", {}, "Not shown"), el("p", {}, error instanceof Error ? error.message : ""));
  }
};

const closing = () => el("button", { type: "button", class: "close", "aria-label": "Close details", title: "Close (Esc)", on: { click: () => change({ node: "" }) } }, "×");

/**
 * @param {string} words
 * @param {Record<string, string>} place
 */
const way = (words, place) => el("a", { class: "button", href: address(place) }, words);

/**
 * @param {string} key
 * @param {AbortSignal} signal
 * @returns {Promise<Node[]>}
 */
const node = async (key, signal) => {
  const shown = await get(`/api/show?${new URLSearchParams({ of: key })}`, signal);
  const of = shown.selector;
  const out = [
    el("h2", {}, icon(shown.kind, 22), name(shown.name)),
    el("p", { class: "second" }, el("span", {}, shown.kind), badge(shown.state), pin(shown.pinned)),
    el(
      "div",
      { class: "ways" },
      way("Look around it", { q: "focus", of }),
      way("What does this affect?", { q: "impact", of }),
      way("Where did it come from?", { q: "why", of }),
      shown.is_run ? way(`Compare with the newest ${shown.name}`, { q: "diff", before: of, after: shown.name }) : null,
    ),
  ];
  if (shown.command.length) out.push(section("Run as", copyable(shown.command.map(quoted).join(" "))));
  out.push(
    el("dl", { class: "facts" }, ...shown.facts.flatMap((/** @type {[string, string]} */ [label, value]) => [el("dt", {}, label), el("dd", {}, name(value))])),
  );
  for (const [title, pairs] of [["Metrics", shown.metrics], ["Parameters", shown.params]]) {
    if (pairs.length) out.push(section(title, el("dl", { class: "facts" }, ...pairs.flatMap((/** @type {[string, unknown]} */ [label, value]) => [el("dt", {}, name(label)), el("dd", {}, name(value))]))));
  }
  for (const [title, lines] of shown.lists) out.push(section(`${title} (${lines.length.toLocaleString("en")})`, list(lines)));
  if (shown.gaps.length) out.push(section("What isn't known", el("ul", {}, ...shown.gaps.map((/** @type {any} */ gap) => el("li", {}, gap.words)))));
  out.push(notes(of, shown.notes), ...(shown.is_run ? [] : [pinning(of, shown.pinned)]));
  return out;
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

/** @param {string} text a command */
export const copyable = (text) => el("div", { class: "command" }, el("code", { title: visible(text) }, text), copier(text));

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
  return section("Notes", ...there.map((note) => el("blockquote", {}, name(note))), form);
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
