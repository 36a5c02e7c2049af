// The watch page as it is read: a moment is chosen by a click or by keys, copied, searched for.
// playing.js puts what plays in the place of what is only read. Without these scripts all of it still
// reads and plays; every paragraph has a link to its beginning.

const player = document.getElementById("player");
const transcript = document.getElementById("transcript");
const texts = JSON.parse(player.dataset.texts);
const screen = document.getElementById("screen");
const plays = document.getElementById("media") !== null;
const lines = [...document.querySelectorAll("#transcript [data-start]")];
const starts = lines.map((line) => Number(line.dataset.start));
const calm = matchMedia("(prefers-reduced-motion: reduce)");

let current = document.querySelector("#transcript [aria-current]");
let chosen = Number(player.dataset.at); // where somebody reads, who has nothing to play

document.documentElement.classList.add("scripted");

// What both scripts use. What plays brings a time, a length and keys of its own.
const watching = {
  now: () => chosen,
  length: () => Number(player.dataset.length),
  go: readFrom,
  keys: {
    n: () => toHit(1),
    p: () => toHit(-1),
    t: () => enter(current ?? lineAt(watching.now()) ?? lines[0]),
  },
  current: () => current,
  lineAt,
  mark,
  pointTo,
  outside,
  scrolls,
  show,
  texts,
};
globalThis.watching = watching;

function say(words) {
  const said = document.getElementById("said");
  said.textContent = "";
  setTimeout(() => { said.textContent = words; }, 50); // said again though it be the same
}

// --- where we are ------------------------------------------------------------------------------

function lineAt(ms) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= ms) low = middle + 1;
    else high = middle;
  }
  return lines[low - 1] ?? null;
}

function mark(line) {
  current?.removeAttribute("aria-current");
  current = line;
  line?.setAttribute("aria-current", "true");
}

// Where that is on the strip of time.
function pointTo(ms) {
  document.getElementById("now").setAttribute("x", ((ms / watching.length()) * 994).toFixed(1));
}

function readFrom(ms) {
  chosen = Math.round(ms);
  pointTo(chosen);
  mark(lineAt(chosen) ?? lines[0] ?? null);
  if (current) show(current);
}

function scrolls() {
  return transcript.scrollHeight > transcript.clientHeight + 10;
}

// Where the transcript can be seen, from top to bottom.
function view() {
  const inside = transcript.getBoundingClientRect();
  const covered = Math.max(sticks() ? screen.getBoundingClientRect().bottom : 0, 0);
  if (scrolls()) return [inside.top, Math.min(inside.bottom, innerHeight)];
  return [covered, innerHeight];
}

function sticks() {
  return getComputedStyle(screen).position === "sticky";
}

// How far a line is out of view: above (less than 0), below, or not at all.
function outside(line) {
  const [top, bottom] = view();
  const place = line.getBoundingClientRect();
  if (place.top < top) return place.top - top;
  return Math.max(place.bottom - bottom, 0);
}

function show(line, atOnce = false) {
  const [top, bottom] = view();
  const place = line.getBoundingClientRect();
  if (place.top > top + 20 && place.bottom < bottom - 60) return;
  const behavior = calm.matches || atOnce ? "instant" : "smooth";
  if (scrolls()) {
    transcript.scrollBy({ top: place.top - top - (bottom - top) / 3, behavior });
  } else if (sticks() || !plays) {
    // What plays sticks to the top of the page, wherever that is scrolled to.
    const height = plays ? screen.offsetHeight : 0;
    scrollBy({ top: place.top - height - (innerHeight - height) / 4, behavior });
  }
}

// --- links to moments --------------------------------------------------------------------------

function moment(target) {
  const link = target.closest("a[data-start]");
  if (link) return link;
  const inTranscript = target.closest("#transcript a, #transcript [data-start]");
  if (inTranscript?.localName === "a") return inTranscript.parentElement.querySelector("[data-start]");
  return getSelection().isCollapsed ? inTranscript : null; // else text was marked, not clicked
}

function begin(line) {
  const ms = Number(line.dataset.start);
  const address = new URL(location.href);
  address.searchParams.set("t", String(ms / 1000));
  history.replaceState(null, "", address);
  watching.go(ms);
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const line = moment(event.target);
  if (!line) return;
  event.preventDefault();
  begin(line);
});

document.getElementById("line").addEventListener("click", (event) => {
  if (!watching.length()) return;
  const box = event.currentTarget.getBoundingClientRect();
  watching.go(((event.clientX - box.left) / box.width) * watching.length());
});

const hits = [...document.querySelectorAll(".here a[data-start]")].map((a) => Number(a.dataset.start));

function toHit(way) {
  const now = watching.now();
  const ahead = way > 0
    ? hits.find((ms) => ms > now + 500) ?? hits[0]
    : hits.findLast((ms) => ms < now - 1500) ?? hits.at(-1);
  if (ahead !== undefined) watching.go(ahead);
}

for (const [id, way] of [["previous", -1], ["next", 1]]) {
  document.getElementById(id)?.addEventListener("click", (event) => {
    if (!hits.length) return;
    event.preventDefault();
    toHit(way);
  });
}

// Whoever searches here comes back to the same moment.
document.getElementById("within").addEventListener("formdata", (event) => {
  const ms = watching.now();
  if (ms || player.dataset.at) event.formData.set("t", String(ms / 1000));
});

// --- tools -------------------------------------------------------------------------------------

function addressOf(ms) {
  const address = new URL(location.pathname, location.href);
  address.searchParams.set("t", (ms / 1000).toFixed(1));
  return address.href;
}

async function copy(words, done) {
  try {
    await navigator.clipboard.writeText(words);
    say(done);
  } catch {
    window.prompt(texts.copy_by_hand, words); // no clipboard without an encrypted connection
  }
}

function quote() {
  const selection = getSelection();
  const begun = selection.isCollapsed ? null : lines.find((one) => selection.containsNode(one, true));
  const marked = begun ? String(selection).trim().replace(/\s+/g, " ") : "";
  const line = begun ?? current ?? lineAt(watching.now());
  if (!line) return say(texts.no_line);
  const speaker = line.closest("p").querySelector(".speaker")?.textContent;
  const words = marked || line.textContent.trim();
  const ms = Number(line.dataset.start);
  const source = [speaker, player.dataset.title, clock(ms)].filter(Boolean).join(", ");
  const [open, close] = document.documentElement.lang === "de" ? ["„", "“"] : ["“", "”"];
  copy(`${open}${words}${close}\n${source}\n${addressOf(ms)}`, texts.copied_quote);
}

function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

document.getElementById("copy-link").addEventListener("click", () => {
  copy(addressOf(watching.now()), texts.copied_link);
});
document.getElementById("copy-quote").addEventListener("click", quote);

// --- keys --------------------------------------------------------------------------------------

const dialog = document.getElementById("keys");
const keysOn = document.getElementById("keys-on");
keysOn.checked = localStorage.getItem("keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
document.getElementById("show-keys").addEventListener("click", () => dialog.showModal());

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (localStorage.getItem("keys") === "off") return;
  const where = event.target;
  if (where.closest("input, textarea, select")) return;
  const theirs = event.key === " " || event.key.startsWith("Arrow");
  if (theirs && where.closest("button, summary, video, audio")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("q").select();
  } else if (event.key === "?") {
    dialog.showModal();
  } else if (watching.keys[event.key]) {
    event.preventDefault();
    watching.keys[event.key]();
  }
});

// Lines are no stops of the Tab key, of which there would be thousands: arrow keys lead from one to
// the next. The one that has the focus is a link for as long; where nothing plays it is where one is.

function enter(line) {
  if (!line) return;
  line.tabIndex = -1;
  line.setAttribute("role", "link");
  line.focus();
  if (plays) return;
  mark(line);
  chosen = Number(line.dataset.start);
  pointTo(chosen);
}

function leave(event) {
  if (!event.target.matches("[data-start]")) return;
  event.target.removeAttribute("tabindex");
  event.target.removeAttribute("role");
}

function arrow(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const here = event.target.closest("[data-start]");
  if (here && event.key === "Enter") return begin(here);
  const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const first = event.target.closest("p")?.querySelector("[data-start]");
  if (!way || !first) return;
  event.preventDefault();
  // From a time down is its own first line.
  const place = here ? lines.indexOf(here) + way : lines.indexOf(first) + Math.min(way, 0);
  enter(lines[place]);
}

transcript?.addEventListener("keydown", arrow);
transcript?.addEventListener("focusout", leave);

if (current) show(current, true);
