/** The picture: cards that the server placed, lines between them; panning is scrolling. */

import { countOf, el, name, say, svg, visible } from "./dom.js";
import { badge, icon, pin } from "./looks.js";
import { asideWords, isAside } from "./narrow.js";
import { change, here } from "./place.js";

/**
 * @typedef {{key: string, name: string, kind: string, state: string, about: string, words: string, ask: string, via: string,
 *   focus: boolean, pinned: string, causes: number | null, effects: number | null, count: number,
 *   states: Record<string, number>, chips: {ask: string, name: string, kind: string, state: string}[], values: import("./narrow.js").Values,
 *   unseen: boolean, x: number, y: number}} Card
 * @typedef {{cause: string, effect: string, evidence: string, role: string, count: number}} Line
 * @typedef {{cards: Card[], lines: Line[], things: number, width: number, height: number, card_width: number, card_height: number}} Picture
 */

const MARGIN = 24;
const SHOWN_CHIPS = 2;
// Browsers draw no canvas with a longer side.
const MOST_SIDE = 16_000;

/** @type {{focus: string, left: number, top: number} | null} */
let before = null;

/**
 * @param {Picture} picture
 * @param {(card: Card) => void} choose
 * @param {string} question
 * @returns {HTMLElement}
 */
export const drawn = (picture, choose, question) => {
  /** @type {Map<string, Card>} */
  const cards = new Map(picture.cards.map((card) => [card.key, card]));
  /** @type {Map<string, HTMLElement>} */
  const boxes = new Map();
  const shownCauses = new Map();
  const shownEffects = new Map();
  for (const line of picture.lines.filter((one) => one.evidence !== "unseen")) {
    shownCauses.set(line.effect, (shownCauses.get(line.effect) || 0) + line.count);
    shownEffects.set(line.cause, (shownEffects.get(line.cause) || 0) + line.count);
  }

  const lines = svg("svg", { class: "lines", width: picture.width + 2 * MARGIN, height: picture.height + 2 * MARGIN, "aria-hidden": "true" });
  lines.append(
    svg("defs", {}, svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { d: "M0 0L8 4L0 8Z" }))),
  );
  for (const line of picture.lines) {
    const cause = cards.get(line.cause);
    const effect = cards.get(line.effect);
    if (!cause || !effect) continue;
    const path = svg("path", { d: curve(cause, effect, picture), class: `line ${line.evidence}`, "marker-end": "url(#tip)" });
    lines.append(path);
    pathOf.set(path, line);
  }

  const caption = el("p", { class: "caption" }, rest(picture, question));
  const canvas = el("div", { class: "canvas", role: "group", "aria-label": `Picture: ${countOf(picture.cards.length, "card")}` }, lines);
  canvas.style.width = `${picture.width + 2 * MARGIN}px`;
  canvas.style.height = `${picture.height + 2 * MARGIN}px`;

  /** @param {Card} card */
  const light = (card) => {
    const keys = way(card, cards);
    canvas.classList.add("lit");
    for (const [key, box] of boxes) box.classList.toggle("on", keys.has(key));
    for (const path of lines.querySelectorAll(".line")) {
      const line = pathOf.get(path);
      const near = card.via ? keys.has(line.cause) && keys.has(line.effect) && cards.get(line.effect)?.via === line.cause : line.cause === card.key || line.effect === card.key;
      path.classList.toggle("on", near);
      if (near && !card.via) for (const key of [line.cause, line.effect]) boxes.get(key)?.classList.add("on");
    }
    caption.replaceChildren(visible(card.words || sentence(card)));
  };
  const dim = () => {
    canvas.classList.remove("lit");
    caption.replaceChildren(visible(rest(picture, question)));
  };

  const order = [...picture.cards].sort((a, b) => a.x - b.x || a.y - b.y);
  const first = order.find((card) => card.focus) || order[0];
  for (const card of order) {
    const box = cardBox(card, {
      choose,
      tabbable: card === first,
      hiddenCauses: question === "focus" && card.causes !== null ? card.causes - (shownCauses.get(card.key) || 0) - card.chips.length : 0,
      hiddenEffects: question === "focus" && card.effects !== null ? card.effects - (shownEffects.get(card.key) || 0) : 0,
    });
    box.style.left = `${card.x + MARGIN}px`;
    box.style.top = `${card.y + MARGIN}px`;
    box.style.width = `${picture.card_width}px`;
    box.style.height = `${picture.card_height}px`;
    boxes.set(card.key, box);
    canvas.append(box);
  }
  const under = (/** @type {EventTarget | null} */ target) => {
    const box = target instanceof Element ? target.closest(".card") : null;
    return box instanceof HTMLElement ? cards.get(box.dataset.key || "") : undefined;
  };
  const follow = (/** @type {Event} */ event) => {
    const card = under(event.target);
    if (card) light(card);
  };
  // One listener for all cards. From part to part of a card nothing changes.
  for (const type of ["pointerover", "focusin"]) canvas.addEventListener(type, follow);
  const leave = (/** @type {PointerEvent | FocusEvent} */ event) => {
    if (under(event.target) !== under(event.relatedTarget)) dim();
  };
  canvas.addEventListener("pointerout", leave);
  canvas.addEventListener("focusout", leave);

  const aside = el("p", { class: "aside-words", role: "status" });
  const narrow = () => {
    const place = here();
    let count = 0;
    for (const card of picture.cards) {
      const dimmed = isAside(card.values, place);
      boxes.get(card.key)?.classList.toggle("aside", dimmed);
      if (dimmed) count += 1;
    }
    aside.textContent = visible(asideWords(count, picture.cards.length, "card", place));
    aside.hidden = !aside.textContent;
  };

  const sheet = el("div", { class: "sheet" }, canvas);
  const scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Picture, scrollable" }, sheet);
  const figure = el("figure", { class: "picture" }, scroll, aside, el("figcaption", {}, caption, zooming(scroll, sheet, canvas, picture)));
  figure.addEventListener("narrow", narrow);
  narrow();
  roving(canvas, order, boxes);
  dragging(scroll);
  scroll.addEventListener("scroll", () => remember(first, scroll, canvas), { passive: true });
  requestAnimationFrame(() => {
    const box = first && boxes.get(first.key);
    if (!box) return;
    // What was in the middle stays where it was on the screen.
    if (before && before.focus === first.key) {
      scroll.scrollLeft = box.offsetLeft - before.left;
      scroll.scrollTop = box.offsetTop - before.top;
    } else if (question !== "impact") {
      scroll.scrollLeft = box.offsetLeft - (scroll.clientWidth - box.offsetWidth) / 2;
      scroll.scrollTop = box.offsetTop - (scroll.clientHeight - box.offsetHeight) / 2;
    } else scroll.scrollTop = box.offsetTop - (scroll.clientHeight - box.offsetHeight) / 2;
    remember(first, scroll, canvas);
  });
  return figure;
};

/** @type {WeakMap<Element, any>} */
const pathOf = new WeakMap();

/**
 * @param {Card | undefined} card
 * @param {HTMLElement} scroll
 * @param {HTMLElement} canvas
 */
const remember = (card, scroll, canvas) => {
  if (card) before = { focus: card.key, left: card.x + MARGIN - scroll.scrollLeft, top: card.y + MARGIN - scroll.scrollTop };
  canvas.dataset.ready = "yes";
};

/**
 * @param {Card} cause
 * @param {Card} effect
 * @param {Picture} picture
 */
const curve = (cause, effect, picture) => {
  const x1 = cause.x + MARGIN + picture.card_width;
  const y1 = cause.y + MARGIN + picture.card_height / 2;
  const x2 = effect.x + MARGIN - 2;
  const y2 = effect.y + MARGIN + picture.card_height / 2;
  const bend = x2 > x1 ? Math.max(28, (x2 - x1) / 2) : 60;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
};

/**
 * The cards on the decisive path of a card, itself included.
 * @param {Card} card
 * @param {Map<string, Card>} cards
 */
const way = (card, cards) => {
  const keys = new Set([card.key]);
  let at = card;
  while (at.via && !keys.has(at.via)) {
    keys.add(at.via);
    const next = cards.get(at.via);
    if (!next) break;
    at = next;
  }
  return keys;
};

/** @param {Card} card */
const sentence = (card) => {
  const states = Object.entries(card.states).map(([state, count]) => `${count.toLocaleString("en")} ${state}`);
  const said = [card.name, card.count > 1 ? states.join(", ") : card.state, card.about];
  if (card.causes !== null) said.push(`${countOf(card.causes, "cause")}, ${countOf(card.effects || 0, "effect")}`);
  return said.filter(Boolean).join(" · ");
};

/**
 * @param {Picture} picture
 * @param {string} question
 */
const rest = (picture, question) =>
  `${countOf(picture.cards.length, "card")} for ${countOf(picture.things, "thing")}. ` +
  (question === "impact" ? "Point at a card to see its decisive path." : "Causes are left, effects right. Point at a card to see what it touches.");

/**
 * @param {Card} card
 * @param {{choose: (card: Card) => void, tabbable: boolean, hiddenCauses: number, hiddenEffects: number}} how
 */
const cardBox = (card, how) => {
  const stack = card.count > 1;
  const chosen = [card.key, card.ask].includes(here().node || "-");
  const said = [card.unseen ? "" : card.kind || "thing", card.name, card.state, card.pinned, card.about, card.focus ? "asked about" : ""].filter(Boolean).join(", ");
  const main = el(
    "button",
    { type: "button", class: "main", tabindex: how.tabbable ? "0" : "-1", "aria-label": visible(said), "aria-pressed": String(chosen), title: visible(card.name), on: { click: () => how.choose(card), dblclick: () => card.ask && change({ q: "focus", of: card.ask, open: "", unfold: "", node: "" }) } },
    card.unseen ? el("span", { class: "unknown", "aria-hidden": "true" }, "?") : icon(card.kind),
    el("span", { class: "name" }, name(short(card.name))),
    el("span", { class: "second" }, badge(card.state), pin(card.pinned), el("span", { class: "about" }, card.about)),
  );
  const box = el("div", { class: `card${card.focus ? " focus" : ""}${stack ? " stack" : ""}${card.unseen ? " unseen" : ""}${chosen ? " chosen" : ""} tint-${card.state || "none"}`, "data-key": card.key, "data-ask": card.ask }, main);
  if (card.chips.length) box.append(chips(card));
  if (how.hiddenCauses > 0 && card.ask) box.append(more(card, "left", how.hiddenCauses));
  if (how.hiddenEffects > 0 && card.ask) box.append(more(card, "right", how.hiddenEffects));
  return box;
};

/**
 * Keep the end of a path readable: the file's own name matters most.
 * @param {string} text
 */
const short = (text) => (text.length > 20 && text.includes("/") ? `…${text.slice(-19)}` : text);

/** @param {Card} card */
const chips = (card) => {
  const row = el("div", { class: "chips" });
  const shown = card.chips.length > SHOWN_CHIPS + 1 ? card.chips.slice(0, SHOWN_CHIPS) : card.chips;
  for (const chip of shown) {
    row.append(
      el("button", { type: "button", class: "chip", tabindex: "-1", title: `${chip.kind}: ${visible(chip.name)}`, "aria-label": `${chip.kind} ${visible(chip.name)}`, on: { click: () => change({ node: chip.ask }) } }, icon(chip.kind, 14), el("span", {}, tail(chip.name))),
    );
  }
  if (shown.length < card.chips.length) {
    row.append(el("button", { type: "button", class: "chip", tabindex: "-1", "aria-label": `all ${card.chips.length} that ${card.name} ran with`, on: { click: () => change({ node: card.ask }) } }, `+${card.chips.length - shown.length}`));
  }
  return row;
};

/** @param {string} text */
const tail = (text) => {
  const last = text.split("/").pop() || text;
  return last.length > 12 ? `${last.slice(0, 11)}…` : last;
};

/**
 * @param {Card} card
 * @param {"left" | "right"} side
 * @param {number} count
 */
const more = (card, side, count) =>
  el(
    "button",
    { type: "button", class: `more ${side}`, tabindex: "-1", "aria-label": `${countOf(count, side === "left" ? "more cause" : "more effect")} of ${visible(card.name)}: show them`, title: `${countOf(count, side === "left" ? "more cause" : "more effect")}: show`, on: { click: () => opened(card) } },
    side === "left" ? `‹${count}` : `${count}›`,
  );

/** @param {Card} card */
const opened = (card) => {
  const open = (here().open || "").split(",").filter(Boolean);
  if (!open.includes(card.ask)) change({ open: [...open, card.ask].join(",") });
  say(`What ${card.name} touches is shown`);
};

/**
 * Arrow keys go from card to card: one of them is in the order of Tab.
 * @param {HTMLElement} canvas
 * @param {Card[]} order
 * @param {Map<string, HTMLElement>} boxes
 */
const roving = (canvas, order, boxes) => {
  canvas.addEventListener("keydown", (event) => {
    const box = event.target instanceof Element ? event.target.closest(".card") : null;
    const card = box instanceof HTMLElement && order.find((one) => one.key === box.dataset.key);
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = towards(card, order, event.key);
    if (event.key === "f" && card.ask) {
      event.preventDefault();
      change({ q: "focus", of: card.ask, open: "", unfold: "", node: "" });
    } else if (event.key === "o" && card.ask) {
      event.preventDefault();
      opened(card);
    } else if (to) {
      event.preventDefault();
      const next = boxes.get(to.key)?.querySelector(".main");
      if (!(next instanceof HTMLElement)) return;
      for (const one of canvas.querySelectorAll(".main")) one.setAttribute("tabindex", one === next ? "0" : "-1");
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  });
};

/**
 * @param {Card} card
 * @param {Card[]} order
 * @param {string} key
 */
const towards = (card, order, key) => {
  if (key === "Home") return order[0];
  if (key === "End") return order[order.length - 1];
  const sideways = key === "ArrowLeft" ? -1 : key === "ArrowRight" ? 1 : 0;
  const down = key === "ArrowUp" ? -1 : key === "ArrowDown" ? 1 : 0;
  if (!sideways && !down) return null;
  const ahead = order.filter((one) => (sideways ? (one.x - card.x) * sideways > 0 : one.x === card.x && (one.y - card.y) * down > 0));
  const far = (/** @type {Card} */ one) => Math.abs(one.x - card.x) * 4 + Math.abs(one.y - card.y);
  return ahead.sort((a, b) => far(a) - far(b))[0] || null;
};

/** @param {HTMLElement} scroll */
const dragging = (scroll) => {
  scroll.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button || (event.target instanceof Element && event.target.closest("button"))) return;
    let [x, y] = [event.clientX, event.clientY];
    scroll.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ moved) => {
      scroll.scrollBy({ left: x - moved.clientX, top: y - moved.clientY, behavior: "instant" });
      [x, y] = [moved.clientX, moved.clientY];
    };
    scroll.addEventListener("pointermove", move);
    scroll.addEventListener("pointerup", () => scroll.removeEventListener("pointermove", move), { once: true });
  });
};

/**
 * @param {HTMLElement} scroll
 * @param {HTMLElement} sheet
 * @param {HTMLElement} canvas
 * @param {Picture} picture
 */
const zooming = (scroll, sheet, canvas, picture) => {
  let scale = 1;
  const shown = el("output", {}, "100 %");
  const full = { width: picture.width + 2 * MARGIN, height: picture.height + 2 * MARGIN };
  const set = (/** @type {number} */ wanted) => {
    const middle = [(scroll.scrollLeft + scroll.clientWidth / 2) / scale, (scroll.scrollTop + scroll.clientHeight / 2) / scale];
    scale = Math.min(2, Math.max(0.1, wanted));
    canvas.style.transform = `scale(${scale})`;
    sheet.style.width = `${full.width * scale}px`;
    sheet.style.height = `${full.height * scale}px`;
    scroll.scrollLeft = middle[0] * scale - scroll.clientWidth / 2;
    scroll.scrollTop = middle[1] * scale - scroll.clientHeight / 2;
    shown.textContent = `${Math.round(scale * 100)} %`;
  };
  const fit = () => set(Math.min(1, scroll.clientWidth / full.width, scroll.clientHeight / full.height));
  scroll.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      set(scale * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
    },
    { passive: false },
  );
  const button = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ click) => el("button", { type: "button", "aria-label": label, title: label, on: { click } }, text);
  return el(
    "div",
    { class: "zoom", role: "group", "aria-label": "Zoom" },
    button("−", "Smaller", () => set(scale / 1.25)),
    shown,
    button("+", "Larger", () => set(scale * 1.25)),
    button("Fit", "Fit the window", fit),
  );
};


/**
 * Save a picture as PNG, drawn from its SVG at twice its size (less where a canvas holds no more).
 * @param {string} href
 * @param {string} file
 */
export const asPng = async (href, file) => {
  const drawing = await (await fetch(href, { credentials: "same-origin" })).text();
  const from = URL.createObjectURL(new Blob([drawing], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = from;
    await image.decode();
    const scale = Math.min(2, MOST_SIDE / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ done) => canvas.toBlob(done, "image/png"));
    if (!blob) return false;
    const link = /** @type {HTMLAnchorElement} */ (el("a", { href: URL.createObjectURL(blob), download: file }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    return true;
  } catch {
    return false;
  } finally {
    URL.revokeObjectURL(from);
  }
};
