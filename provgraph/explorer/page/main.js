/** The page: follows the address, loads what it asks for, shows it, and looks for news. */

import { get, state } from "./api.js";
import { build, focusBar, follow } from "./bar.js";
import { at, el, name, say } from "./dom.js";
import { close, open } from "./drawer.js";
import { homePage, rememberQuestion } from "./home.js";
import { learn } from "./looks.js";
import { chosen, follow as followNarrowing } from "./narrow.js";
import { KEPT, address, asked, begin, change, go, here, query } from "./place.js";
import { Gone, Refused } from "./refused.js";
import { crumbs, viewPage } from "./view.js";

const LOOK_AGAIN = 4000;
const KEYS = [
  ["/ or Ctrl-K", "the question bar"],
  ["1 to 5", "ask the first to the fifth question"],
  ["Tab", "into the picture, the table, the details"],
  ["← ↑ → ↓", "from card to card"],
  ["Enter", "details of a card"],
  ["f", "look around a card"],
  ["o", "open what a card touches"],
  ["t", "picture or table"],
  ["h", "home"],
  ["d", "dark or light"],
  ["Alt-←", "back: undoes every step"],
  ["Esc", "close"],
];

/** @type {any} */
let view = null;
let shown = "";
let showing = "";
let gone = false;
/** @type {AbortController | null} */
let going = null;

/** @param {Record<string, string>} place */
const viewKey = (place) => asked(place);
/** @param {Record<string, string>} place */
const tableKey = (place) => [place.find, place.sort, place.offset, ...chosen(place).flat()].join("\n");

/**
 * @param {Record<string, string>} place
 * @param {AbortSignal} [signal]
 */
const answer = (place, signal) => get(place.q ? `/api/view?${viewKey(place)}` : "/api/home", signal);

/**
 * @param {boolean} [again] load it even if it is there
 * @param {Promise<any>} [coming] it was asked for already
 */
const load = async (again = false, coming) => {
  const place = here();
  const key = viewKey(place);
  if (!again && view && key === shown) return arrange();
  going?.abort();
  const mine = (going = new AbortController());
  const waiting = setTimeout(() => skeleton(mine), again ? 60000 : 250);
  try {
    const loaded = await (coming || answer(place, mine.signal));
    if (going !== mine) return;
    view = loaded;
    shown = key;
    showing = "";
    arrange();
    if (place.q) rememberQuestion(address({ ...place, node: "", show: "", find: "", sort: "", offset: "" }), questionWords(place, loaded));
    if (!again) say(loaded.headline + (loaded.gaps?.length ? `; ${loaded.gaps.length} gaps` : ""));
  } catch (error) {
    if (error instanceof DOMException || going !== mine) return;
    failed(error);
  } finally {
    clearTimeout(waiting);
  }
};

/**
 * @param {Record<string, string>} place
 * @param {any} loaded
 */
const questionWords = (place, loaded) => (place.q === "focus" ? `Around ${loaded.headline}` : loaded.headline);

/** Show what is loaded as the address says. */
const arrange = () => {
  const place = here();
  const key = [place.show, place.lanes, view.question, shown].join("\n");
  if (key !== showing) {
    showing = key;
    at("main").scrollTop = 0; // before what is new is there: or it would be laid out here, and again
    at("main").replaceChildren(...(place.q ? viewPage(view, choose) : homePage(view)));
    document.title = `${view.headline} · provgraph`;
    rows = tableKey(place);
  } else if (tableKey(place) !== rows) {
    rows = tableKey(place);
    at("main").querySelector(".table")?.dispatchEvent(new Event("again"));
  }
  at("main").querySelector(".picture, .table")?.dispatchEvent(new Event("narrow"));
  const narrow = at("main").querySelector(":scope > .narrow");
  if (narrow) followNarrowing(narrow);
  at("main").querySelector(":scope > .crumbs")?.replaceWith(crumbs(place));
  mark(place.node || "");
  if (place.node) open(place.node, view.picture?.cards.find((/** @type {any} */ card) => card.key === place.node || card.ask === place.node));
  else close();
  follow();
  at("main").dataset.at = query();
};
let rows = tableKey({});

/** @param {string} key */
const mark = (key) => {
  for (const box of at("main").querySelectorAll(".card")) {
    const chosen = box instanceof HTMLElement && key !== "" && [box.dataset.key, box.dataset.ask].includes(key);
    box.classList.toggle("chosen", chosen);
    box.querySelector(".main")?.setAttribute("aria-pressed", String(chosen));
  }
};

/** @param {any} card */
const choose = (card) => {
  const to = card.ask || card.key;
  change({ node: here().node === to ? "" : to });
};

/** @param {AbortController} mine */
const skeleton = (mine) => {
  showing = "";
  view = null;
  at("main").replaceChildren(
    el("div", { class: "skeleton", "aria-busy": "true" }, el("p", {}, "Asking … ", el("button", { type: "button", on: { click: () => { mine.abort(); history.length > 1 ? history.back() : go({}); } } }, "Cancel")), ...Array.from({ length: 6 }, () => el("div", { class: "bone" }))),
  );
};

/** @param {unknown} error */
const failed = (error) => {
  if (error instanceof Gone) return lost();
  const place = here();
  showing = "";
  view = null;
  shown = "";
  const refused = error instanceof Refused ? error : new Refused("provgraph's page failed", String(error), []);
  if (!(error instanceof Refused)) console.error(error);
  at("main").replaceChildren(
    el(
      "div",
      { class: "refused", role: "alert" },
      el("h1", {}, name(refused.message)),
      refused.hint ? el("p", {}, name(refused.hint)) : null,
      refused.nearest.length ? el("div", {}, el("h2", {}, "Nearest names"), el("ul", {}, ...refused.nearest.map((near) => el("li", {}, el("a", { href: address({ ...place, of: near, node: "" }) }, name(near)))))) : null,
      el("p", {}, el("a", { href: address({}) }, "Home")),
    ),
  );
  close();
  follow();
  at("main").dataset.at = query();
};

const lost = () => {
  gone = true;
  const notice = at("notice");
  notice.hidden = false;
  notice.replaceChildren("The server is gone; what you see is the last it said. Start it again with ", el("code", {}, "provgraph explore"), ".");
};

/** Look for news; what was recorded meanwhile appears by itself. */
const look = async () => {
  try {
    const told = await state();
    if (gone) {
      gone = false;
      at("notice").hidden = true;
      if (!view) return load();
    }
    if (told) {
      learn(told.looks);
      at("title").textContent = told.title;
      if (shown || view) {
        say("Something new was recorded");
        await load(true);
      }
    }
  } catch (error) {
    if (error instanceof Gone) lost();
    else if (error instanceof Refused) {
      lost();
      at("notice").replaceChildren(name(error.message));
    }
  }
};

const theme = () => {
  const dark = document.documentElement.dataset.theme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("provgraph-theme", document.documentElement.dataset.theme);
  } catch {
    // It holds for this page.
  }
};

const help = () => {
  const dialog = /** @type {HTMLDialogElement} */ (at("keys"));
  dialog.replaceChildren(
    el("h2", { id: "keys-title" }, "Keys"),
    el("dl", { class: "facts" }, ...KEYS.flatMap(([key, words]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)])),
    el("form", { method: "dialog" }, el("button", { type: "submit" }, "Close")),
  );
  dialog.showModal();
};

addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.matches("input, textarea");
  if ((event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing)) {
    event.preventDefault();
    return focusBar();
  }
  if (event.key === "Escape" && !/** @type {HTMLDialogElement} */ (at("keys")).open) {
    if (typing && event.target instanceof HTMLElement) event.target.blur();
    else if (here().node) change({ node: "" });
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") help();
  else if (event.key === "h") go({});
  else if (event.key === "d") theme();
  else if (event.key === "t" && view?.picture) change({ show: here().show === "table" ? "" : "table", node: "" });
  else if (/^[1-5]$/.test(event.key)) {
    const chip = at("bar").querySelectorAll(".question")[Number(event.key) - 1];
    if (chip instanceof HTMLElement) chip.click();
  } else return;
  event.preventDefault();
});

addEventListener("place", () => load());
addEventListener("recorded", () => look());
at("theme").addEventListener("click", theme);
at("help").addEventListener("click", help);
try {
  const kept = localStorage.getItem("provgraph-theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
} catch {
  // The system's theme, then.
}

const start = async () => {
  // Both are asked for before anything is built, and before the first of them is there.
  const first = state();
  const second = KEPT ? undefined : answer(here());
  second?.catch(() => {});
  build();
  try {
    const told = await first;
    if (told) {
      learn(told.looks);
      at("title").textContent = told.title;
      if (told.start && !here().q) begin(told.start);
    }
  } catch (error) {
    failed(error);
  }
  await load(false, second);
  document.documentElement.dataset.ready = "yes";
  const again = async () => {
    if (!document.hidden) await look();
    setTimeout(again, LOOK_AGAIN);
  };
  setTimeout(again, LOOK_AGAIN);
};
start();
