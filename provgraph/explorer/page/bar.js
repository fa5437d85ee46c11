/** The question bar: five questions, the things they are asked about, and what names there are. */

import { get } from "./api.js";
import { at, el, name, say } from "./dom.js";
import { icon } from "./looks.js";
import { KEPT, go, here } from "./place.js";

/**
 * Each question: its words, the address it leads to, and what its fields mean.
 * @type {Record<string, {words: string, fields: [string, string][]}>}
 */
export const QUESTIONS = {
  impact: { words: "What does this affect?", fields: [["of", "a file, folder, config key, package or run"]] },
  why: { words: "Where did it come from?", fields: [["of", "a result"]] },
  explain: { words: "Why does A reach B?", fields: [["of", "A: what changes"], ["to", "B: what it reaches"]] },
  diff: { words: "What differs between two runs?", fields: [["before", "the earlier run or step"], ["after", "the later run or step"]] },
  status: { words: "What is stale or unrecorded?", fields: [] },
};

let chosen = "";
let typed = false;
/** @type {AbortController | null} */
let going = null;

/** Build the bar once. */
export const build = () => {
  const form = at("bar");
  const chips = el("div", { class: "questions", role: "group", "aria-label": "Questions" });
  for (const [key, question] of Object.entries(QUESTIONS)) {
    chips.append(el("button", { type: "button", class: "question", "data-q": key, "aria-pressed": "false", on: { click: () => pick(key) } }, question.words));
  }
  // A kept file has no questions but what lies around a thing.
  form.replaceChildren(el("div", { class: "fields", id: "fields" }), ...(KEPT ? [] : [chips]));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  follow();
};

/** Show where one is, unless something was typed since. */
export const follow = () => {
  if (typed) return;
  const place = here();
  chosen = !KEPT && place.q in QUESTIONS ? place.q : "";
  fields(place);
};

/** @param {Record<string, string>} values */
const fields = (values) => {
  for (const chip of at("bar").querySelectorAll(".question")) chip.setAttribute("aria-pressed", String(chip.getAttribute("data-q") === chosen));
  const wanted = chosen ? QUESTIONS[chosen].fields : [["of", "Find a name, digest or run, or choose a question"]];
  const row = at("fields");
  row.replaceChildren();
  for (const [key, label] of wanted) row.append(field(key, label, values[key] || ""));
  if (wanted.length) row.append(el("button", { type: "submit", class: "go" }, chosen ? "Ask" : "Go"));
  if (!wanted.length) row.append(el("p", { class: "none" }, "of everything recorded"));
};

/** @param {string} key */
const pick = (key) => {
  const values = here();
  const of = input("of")?.value || values.of || "";
  if (chosen === key && !QUESTIONS[key].fields.length) return;
  chosen = key;
  // What one looks at is what one asks about.
  fields({ ...values, of, before: values.before || of });
  const empty = [...at("bar").querySelectorAll("input")].find((one) => !one.value);
  if (!QUESTIONS[key].fields.length || !empty) ask();
  else {
    empty.focus();
    say(`${QUESTIONS[key].words} Say what is asked about.`);
  }
};

/** @param {string} key @returns {HTMLInputElement | null} */
const input = (key) => at("bar").querySelector(`input[name="${key}"]`);

const ask = () => {
  /** @type {Record<string, string>} */
  const place = { q: chosen || "focus" };
  const all = [...at("bar").querySelectorAll("input")];
  for (const one of all) place[one.name] = one.value.trim();
  const empty = all.find((one) => !one.value.trim());
  if (empty) {
    empty.focus();
    return;
  }
  hide();
  go(place);
};

const hide = () => {
  for (const list of document.querySelectorAll(".found")) list.remove();
  for (const one of at("bar").querySelectorAll("input")) one.setAttribute("aria-expanded", "false");
};

/**
 * A text field that lists what is recorded under what is typed.
 * @param {string} key
 * @param {string} label
 * @param {string} value
 */
const field = (key, label, value) => {
  const id = `found-${key}`;
  const text = /** @type {HTMLInputElement} */ (
    el("input", { name: key, value, placeholder: label, "aria-label": label, role: "combobox", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list", spellcheck: "false", maxlength: "2000" })
  );
  const box = el("div", { class: "field" }, text);
  let at_ = -1;
  const options = () => [...box.querySelectorAll('[role="option"]')];
  const mark = (/** @type {number} */ to) => {
    const all = options();
    at_ = all.length ? (to + all.length) % all.length : -1;
    all.forEach((one, place) => one.setAttribute("aria-selected", String(place === at_)));
    if (at_ >= 0) {
      text.setAttribute("aria-activedescendant", all[at_].id);
      all[at_].scrollIntoView({ block: "nearest" });
    } else text.removeAttribute("aria-activedescendant");
  };
  const take = (/** @type {string} */ selector) => {
    text.value = selector;
    hide();
    ask();
  };
  text.addEventListener("input", async () => {
    typed = true;
    going?.abort();
    const wanted = text.value.trim();
    if (!wanted) return hide();
    going = new AbortController();
    try {
      const { found } = await get(`/api/search?${new URLSearchParams({ text: wanted })}`, going.signal);
      const marked = at_ < 0 ? undefined : options()[at_]?.getAttribute("data-ask");
      hide();
      if (document.activeElement !== text || text.value.trim() !== wanted) return;
      const list = el("ul", { class: "found", role: "listbox", id, "aria-label": "Recorded names" });
      found.forEach((/** @type {any} */ one, /** @type {number} */ place) => {
        list.append(
          el("li", { role: "option", id: `${id}-${place}`, "data-ask": one.ask, "aria-selected": "false", on: { pointerdown: (/** @type {Event} */ event) => { event.preventDefault(); take(one.ask); } } }, icon(one.kind, 16), name(one.name), el("span", { class: "about" }, one.kind === "Run" ? one.ask.slice(0, 14) : one.kind)),
        );
      });
      if (!found.length) list.append(el("li", { class: "none" }, "No recorded name has this in it; Enter asks all the same"));
      box.append(list);
      text.setAttribute("aria-expanded", "true");
      // A longer list may come between an arrow key and Enter: what was marked stays so.
      at_ = found.findIndex((/** @type {any} */ one) => one.ask === marked);
      if (at_ >= 0) mark(at_);
      else text.removeAttribute("aria-activedescendant");
    } catch (error) {
      if (!(error instanceof DOMException)) hide();
    }
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(at_ + (event.key === "ArrowDown" ? 1 : at_ < 0 ? 0 : -1));
    } else if (event.key === "Enter" && at_ >= 0) {
      const one = options()[at_];
      if (one) {
        event.preventDefault();
        one.dispatchEvent(new Event("pointerdown", { cancelable: true }));
      }
    } else if (event.key === "Escape") {
      hide();
      event.stopPropagation();
    }
  });
  text.addEventListener("blur", () => setTimeout(hide, 100));
  return box;
};

addEventListener("place", () => {
  typed = false;
});

export const focusBar = () => {
  const text = at("bar").querySelector("input");
  if (text) {
    text.focus();
    text.select();
  } else {
    chosen = "";
    fields({});
    focusBar();
  }
};
