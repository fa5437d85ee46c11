/** A view: headline, what isn't known, picture or table, what to do. */

import { exported } from "./api.js";
import { QUESTIONS } from "./bar.js";
import { countOf, el, name } from "./dom.js";
import { copier, copyable } from "./drawer.js";
import { chosen, narrowing } from "./narrow.js";
import { asPng, drawn } from "./picture.js";
import { KEPT, QUESTION, address, change, here } from "./place.js";
import { table } from "./table.js";

/**
 * @param {any} view
 * @param {(card: any) => void} choose
 * @returns {Node[]}
 */
export const viewPage = (view, choose) => {
  const place = here();
  const asTable = !view.picture || place.show === "table";
  return [
    el("nav", { class: "crumbs" }), // as the address says, whenever it changes
    el(
      "div",
      { class: "head" },
      el("h1", {}, name(view.headline)),
      el("p", { class: "as-of" }, [view.viewpoint, `as of ${view.as_of}`].filter(Boolean).join(" · ")),
      el("div", { class: "actions" }, ...ways(view, place), view.picture ? toggle(asTable) : null, undo(place), exporting(view, place), copyable(view.command, "Copy as command"), view.cypher ? copier(view.cypher, "Copy as Cypher") : null),
    ),
    gapsBox(view.gaps),
    words(view.words),
    ...(asTable ? [table(view.table, view.times)] : [narrowing(view.table.facets, view.times), drawn(view.picture, choose, view.question)]),
    plan(view.plan),
  ];
};

const ASKED_OF = Object.assign(Object.create(null), { focus: "Around", log: "Runs", structure: "Structure" });
// What of a question is left where nothing has been opened since.
const BEGUN = QUESTION.filter((key) => key !== "open" && key !== "unfold");

/**
 * Where one is, and what leads back: home, the question, what was opened since, the details.
 * @param {Record<string, string>} place
 * @returns {HTMLElement}
 */
export const crumbs = (place) => {
  const about = [place.before, place.after].filter(Boolean).join(" → ") || [place.of, place.to].filter(Boolean).join(" → ") || place.step || place.making || "";
  const begun = Object.fromEntries(BEGUN.filter((key) => place[key]).map((key) => [key, place[key]]));
  const opened = [...(place.open || "").split(","), ...(place.unfold || "").split(",")].filter(Boolean).length;
  /** @type {[string, Record<string, string>][]} */
  const steps = [["Home", {}], [[ASKED_OF[place.q] || QUESTIONS[place.q]?.words || place.q, about].filter(Boolean).join(" "), begun]];
  if (opened) steps.push([`${opened.toLocaleString("en")} opened`, { ...begun, open: place.open, unfold: place.unfold }]);
  if (chosen(place).length || place.from || place.till || place.find) steps.push(["Narrowed", { ...place, node: "" }]);
  if (place.node) steps.push(["Details", place]);
  const last = steps.length - 1;
  return el(
    "nav",
    { class: "crumbs", "aria-label": "Where you are" },
    el("ol", {}, ...steps.map(([said, to], at) => el("li", {}, at === last ? el("span", { "aria-current": "page" }, name(said)) : el("a", { href: address(to) }, name(said))))),
  );
};

/**
 * From a thing to what can be asked of it.
 * @param {any} view
 * @param {Record<string, string>} place
 */
const ways = (view, place) => {
  const of = view.selector || place.of;
  if (view.question !== "focus" || !of || KEPT) return [];
  return [el("a", { class: "button", href: address({ q: "impact", of }) }, "What does this affect?"), el("a", { class: "button", href: address({ q: "why", of }) }, "Where did it come from?")];
};

/** @param {boolean} asTable */
const toggle = (asTable) =>
  el(
    "div",
    { class: "toggle", role: "group", "aria-label": "Shown as" },
    el("button", { type: "button", "aria-pressed": String(!asTable), on: { click: () => change({ show: "", find: "", sort: "", offset: "" }) } }, "Picture"),
    el("button", { type: "button", "aria-pressed": String(asTable), on: { click: () => change({ show: "table", node: "" }) } }, "Table"),
  );

/** @param {Record<string, string>} place */
const undo = (place) => (place.open || place.unfold ? el("button", { type: "button", on: { click: () => history.back() } }, "Undo") : null);

const WORDS = Object.assign(Object.create(null), { page: "Page that works offline", svg: "SVG", mermaid: "Mermaid", csv: "CSV", json: "JSON", graphml: "GraphML" });

/**
 * What the view can be taken along as.
 * @param {any} view
 * @param {Record<string, string>} place
 */
const exporting = (view, place) => {
  const files = exported(view, place);
  /** @type {HTMLElement[]} */
  const links = files.map(([format, file, href]) => {
    const link = /** @type {HTMLAnchorElement} */ (el("a", { href: "#", download: file, "data-format": format, on: { click: () => (link.href = href()) } }, WORDS[format] || format));
    return link;
  });
  const drawing = files.find(([format]) => format === "svg");
  if (drawing) {
    const said = el("span", { role: "status", class: "about" });
    links.splice(links.findIndex((one) => one.dataset.format === "svg") + 1, 0, el("button", { type: "button", "data-format": "png", on: { click: async () => {
      said.textContent = (await asPng(drawing[2](), drawing[1].replace(/svg$/, "png"))) ? "" : "this browser makes no picture so large";
    } } }, "PNG", said));
  }
  return el("details", { class: "menu" }, el("summary", { class: "button" }, "Export"), el("ul", {}, ...links.map((link) => el("li", {}, link))));
};

/** @param {string[]} said */
const words = (said) => {
  if (!said.length) return el("div", { hidden: true });
  const some = said.map((one) => el("li", {}, name(one)));
  if (said.length < 4) return el("ul", { class: "said" }, ...some);
  return el("details", { class: "said", open: said.length < 7 }, el("summary", {}, `In ${countOf(said.length, "sentence")}`), el("ul", {}, ...some));
};

/** @param {any[]} gaps */
export const gapsBox = (gaps) => {
  if (!gaps.length) return el("div", { hidden: true });
  const hard = gaps.filter((gap) => gap.grade === "blocking");
  const accepted = gaps.filter((gap) => gap.grade === "accepted").length;
  const soft = gaps.length - hard.length - accepted;
  const said = [hard.length ? `${countOf(hard.length, "gap")} could hide something` : "", soft ? `${soft.toLocaleString("en")} noted` : "", accepted ? `${accepted.toLocaleString("en")} accepted` : ""].filter(Boolean).join(", ");
  return el(
    "details",
    { class: `gaps ${hard.length ? "blocking" : "noted"}` },
    el("summary", {}, el("span", { "aria-hidden": "true" }, hard.length ? "⚠ " : "ℹ "), `What isn't known: ${said}`),
    el("ul", { tabindex: "0", "aria-label": "What isn't known" }, ...gaps.slice(0, 200).map((gap) => el("li", {}, el("b", {}, gap.grade), " ", name(gap.words), gap.advice ? el("code", {}, gap.advice) : null)), gaps.length > 200 ? el("li", {}, `and ${countOf(gaps.length - 200, "more")}; the CSV has all`) : null),
  );
};

/** @param {any[]} steps */
const plan = (steps) => {
  if (!steps.length) return el("div", { hidden: true });
  const commands = steps.map((step) => step.command).filter(Boolean);
  return el(
    "details",
    { class: "plan", open: true },
    el("summary", {}, `To bring it up to date: ${countOf(steps.length, "step")}`),
    el("ol", {}, ...steps.map((step) => el("li", {}, step.command ? el("code", {}, step.command) : `${step.action} ${step.subject}`, step.time ? el("span", { class: "about" }, ` ${step.time}`) : null, step.reason ? el("p", { class: "about" }, step.reason) : null))),
    commands.length > 1 ? copier(commands.join("\n"), "Copy all commands") : null,
  );
};
