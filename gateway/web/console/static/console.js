// Small things on top of pages that work without them: news as it happens, and the calendar by keyboard and pointer.
"use strict";

// --- keeping a page up to date ---------------------------------------------------------------------------------------

const PAUSE_MS = 400;      // changes that come together are one look
const LOOK_MS = 15000;     // without a stream
const live = document.getElementById("live");
const said = document.getElementById("said");
let source = null;
let seen = document.body.dataset.seen;
let timer = 0;
let looking = false;
let again = false;

function listen() {
  if (source || document.hidden) return;
  const opened = new EventSource(`${document.body.dataset.stream}?seen=${encodeURIComponent(seen)}`);
  source = opened;
  opened.addEventListener("open", () => tellLost(false));
  opened.addEventListener("changed", (event) => { seen = event.data; soon(); });
  opened.addEventListener("error", () => {
    tellLost(true);
    if (opened.readyState !== EventSource.CLOSED) return; // it tries again by itself
    source = null;
    setTimeout(() => { look(); listen(); }, LOOK_MS);
  });
}

function rest() {
  if (source) source.close();
  source = null;
}

function soon() {
  if (!timer) timer = setTimeout(() => { timer = 0; look(); }, PAUSE_MS);
}

async function look() {
  if (looking) { again = true; return; }
  looking = true;
  try {
    const answer = await fetch(location.href, { headers: { "x-fragment": "1" }, credentials: "same-origin" });
    if (answer.status === 401) { location.reload(); return; }
    if (answer.ok) { show(await answer.text()); tellLost(false); }
  } catch {
    tellLost(true);
  } finally {
    looking = false;
    if (again) { again = false; soon(); }
  }
}

function show(html) {
  const next = new DOMParser().parseFromString(`<div id="live">${html}</div>`, "text/html").getElementById("live");
  const known = new Map();
  for (const old of live.querySelectorAll("[data-key]")) known.set(old.dataset.key, text(old));
  const fresh = [];
  for (const item of next.querySelectorAll("[data-key]")) {
    if (known.get(item.dataset.key) !== text(item)) fresh.push(item);
  }
  if (live.innerHTML === next.innerHTML) return;
  const focused = place(document.activeElement);
  const typed = [...live.querySelectorAll("input[id]")].map((each) => [each.id, each.value]);
  const opened = [...live.querySelectorAll("details")].map((each) => each.open);
  const scrolled = [...live.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
  live.replaceChildren(...next.childNodes);
  live.querySelectorAll("details").forEach((each, n) => { each.open = Boolean(opened[n]); });
  live.querySelectorAll(".scroll").forEach((each, n) => { if (scrolled[n]) [each.scrollLeft, each.scrollTop] = scrolled[n]; });
  for (const [id, value] of typed) { const input = document.getElementById(id); if (input) input.value = value; }
  for (const item of fresh) item.classList.add("fresh");
  prepareGrid();
  prepareScrolls();
  if (focused) document.querySelector(focused)?.focus({ preventScroll: true });
  if (fresh.length) { said.textContent = ""; said.textContent = said.dataset.new; }
}

// Times like “2 minutes ago” are no news.
function text(item) {
  const copy = item.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.remove();
  return copy.textContent.trim();
}

function place(item) {
  if (!item || !live.contains(item)) return "";
  const key = item.closest("[data-key]")?.dataset.key;
  if (item.id) return `#${CSS.escape(item.id)}`;
  if (key === undefined) return "";
  return `#live [data-key="${CSS.escape(key)}"]${item.matches("[data-key]") ? "" : ` ${item.localName}`}`;
}

function tellLost(isLost) {
  if (document.body.classList.contains("offline") === isLost) return;
  document.body.classList.toggle("offline", isLost);
  said.textContent = isLost ? said.dataset.lost : "";
}

if (live && document.body.dataset.stream) {
  document.addEventListener("visibilitychange", () => { document.hidden ? rest() : listen(); });
  addEventListener("pagehide", rest);
  addEventListener("pageshow", listen);
  listen();
}

// --- the calendar ----------------------------------------------------------------------------------------------------

let bubble = null;
let anchor = null; // where a choice of several nights began

function prepareGrid() {
  for (const table of document.querySelectorAll(".grid")) {
    table.setAttribute("role", "grid"); // without this script its cells are those of a plain table
    table.setAttribute("aria-multiselectable", "true");
    if (!table.dataset.edit) table.setAttribute("aria-readonly", "true");
  }
  for (const cell of document.querySelectorAll(".grid td")) cell.tabIndex = -1;
  const first = document.querySelector(".grid td");
  if (first) first.tabIndex = 0;
  anchor = null;
  hideBubble();
}

function showBubble(cell) {
  const tip = cell.querySelector(".tip");
  if (!tip) return;
  hideBubble();
  bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.setAttribute("aria-hidden", "true"); // the cell says it already
  bubble.textContent = tip.textContent;
  document.body.append(bubble);
  const box = cell.getBoundingClientRect();
  const left = Math.min(Math.max(8, box.left + box.width / 2 - bubble.offsetWidth / 2), innerWidth - bubble.offsetWidth - 8);
  const above = box.top - bubble.offsetHeight - 6;
  bubble.style.left = `${left}px`;
  bubble.style.top = `${above > 8 ? above : box.bottom + 6}px`;
}

function hideBubble() {
  if (bubble) bubble.remove();
  bubble = null;
}

function between(one, other) {
  const cells = [...one.parentElement.querySelectorAll("td")];
  const ends = [cells.indexOf(one), cells.indexOf(other)].sort((a, b) => a - b);
  return cells.slice(ends[0], ends[1] + 1);
}

function choose(cells) {
  for (const cell of document.querySelectorAll(".grid td.chosen")) {
    cell.classList.remove("chosen");
    cell.removeAttribute("aria-selected");
  }
  for (const cell of cells) {
    cell.classList.add("chosen");
    cell.setAttribute("aria-selected", "true");
  }
}

function edit(one, other) {
  const form = one.closest("table").dataset.edit;
  if (!form) return;
  const cells = between(one, other);
  const line = one.parentElement.dataset;
  const values = { room: line.room, plan: line.plan, first: cells[0].dataset.day, last: cells.at(-1).dataset.day };
  location.href = `${form}?${new URLSearchParams(values)}`;
}

function neighbour(cell, key) {
  if (key === "ArrowLeft") return cell.previousElementSibling;
  if (key === "ArrowRight") return cell.nextElementSibling;
  const cells = [...cell.parentElement.children];
  if (key === "Home") return cells[1];
  if (key === "End") return cells.at(-1);
  const rows = [...cell.closest("table").querySelectorAll("tbody tr")];
  const row = rows[rows.indexOf(cell.parentElement) + (key === "ArrowUp" ? -1 : 1)];
  return row && row.children[cells.indexOf(cell)];
}

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.(".grid td");
  if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") { anchor = null; choose([]); hideBubble(); return; }
  if (event.key === "Enter") { event.preventDefault(); edit(anchor ?? cell, cell); return; }
  if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const next = neighbour(cell, event.key);
  if (!next || next.localName !== "td") return;
  const keeps = event.shiftKey && next.parentElement === cell.parentElement;
  anchor = keeps ? anchor ?? cell : null;
  choose(anchor ? between(anchor, next) : []);
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

document.addEventListener("focusin", (event) => {
  const cell = event.target.closest?.(".grid td");
  if (cell) showBubble(cell); else hideBubble();
});
document.addEventListener("pointerover", (event) => {
  const cell = event.target.closest?.(".grid td");
  if (!cell) { hideBubble(); return; }
  if (anchor && event.buttons === 1 && anchor.parentElement === cell.parentElement) choose(between(anchor, cell));
  showBubble(cell);
});
document.addEventListener("pointerdown", (event) => {
  const cell = event.button === 0 && event.pointerType === "mouse" && event.target.closest?.(".grid[data-edit] td");
  anchor = cell || null;
  if (cell) choose([cell]);
});
document.addEventListener("pointerup", (event) => {
  const cell = event.target.closest?.(".grid[data-edit] td");
  const from = anchor;
  anchor = null;
  if (event.button === 0 && from && cell && from.parentElement === cell.parentElement) edit(from, cell);
  else choose([]);
});
document.addEventListener("click", (event) => {
  const cell = event.pointerType === "touch" && event.target.closest?.(".grid[data-edit] td");
  if (cell) edit(cell, cell);
});
document.addEventListener("scroll", hideBubble, { capture: true, passive: true });

prepareGrid();

// --- for those who do not point, or do not see -----------------------------------------------------------------------

// What is wider than its place can be moved by the arrow keys, once it can be reached.
function prepareScrolls() {
  const heads = [...document.querySelectorAll("h1, h2, h3")];
  for (const box of document.querySelectorAll(".scroll:not(.tall)")) {
    if (box.scrollWidth <= box.clientWidth && box.scrollHeight <= box.clientHeight) {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
      continue;
    }
    const head = heads.filter((each) => each.compareDocumentPosition(box) & Node.DOCUMENT_POSITION_FOLLOWING).at(-1);
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", head ? head.textContent.trim() : document.title);
  }
}

// A page that comes with a message is not read from the top: what is wrong takes the focus, what is well is said.
function prepareNotices() {
  const wrong = document.querySelector(".notice[role=alert]");
  if (wrong && !document.querySelector("[autofocus]")) {
    wrong.tabIndex = -1;
    wrong.focus();
  }
  const well = document.querySelector(".notice[role=status]");
  if (well && said) setTimeout(() => { said.textContent = well.textContent.trim(); }, PAUSE_MS);
}

prepareScrolls();
prepareNotices();
addEventListener("resize", prepareScrolls);
