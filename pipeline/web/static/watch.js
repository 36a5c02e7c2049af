// The watch page: the transcript follows what plays, a click on a line plays from there, keys steer.
// Without this script all of it still reads and plays; every paragraph has a link to its beginning.

const player = document.getElementById("player");
const media = document.getElementById("media");
const transcript = document.getElementById("transcript");
const texts = JSON.parse(player.dataset.texts);
const screen = document.getElementById("screen");
const lines = [...document.querySelectorAll("#transcript [data-start]")];
const starts = lines.map((line) => Number(line.dataset.start));
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const FOLLOW_AFTER_MS = 4000; // after scrolling by hand the page stays where it was put
const SLOW_MS = 500; // what takes less long is not worth a word
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];

let current = document.querySelector("#transcript [aria-current]");
let scrolledAt = -Infinity;
let sought = false; // somebody has just asked for another moment

document.documentElement.classList.add("scripted");

function say(words) {
  const said = document.getElementById("said");
  said.textContent = "";
  setTimeout(() => { said.textContent = words; }, 50); // said again though it be the same
}

// --- where we are ------------------------------------------------------------------------------

function milliseconds() {
  return Math.round(media.currentTime * 1000);
}

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

function follow() {
  const line = lineAt(milliseconds() + 50);
  if (media.duration) {
    const place = (media.currentTime / media.duration) * 994;
    document.getElementById("now").setAttribute("x", place.toFixed(1));
  }
  if (line === current && !sought) return;
  const wanted = sought || followed();
  sought = sought && media.seeking;
  mark(line);
  const reading = transcript?.querySelector(":focus-visible"); // by keyboard: it stays in view
  if (line && wanted && !reading) show(line);
}

function mark(line) {
  current?.removeAttribute("aria-current");
  current = line;
  line?.setAttribute("aria-current", "true");
}

// A transcript with a scroll bar of its own comes back to what plays; a page that was scrolled to
// something else stays there.
function followed() {
  if (performance.now() - scrolledAt < FOLLOW_AFTER_MS) return false;
  return scrolls() || (current !== null && outside(current) === 0);
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
  } else if (sticks() || !media) {
    // What plays sticks to the top of the page, wherever that is scrolled to.
    const height = media ? screen.offsetHeight : 0;
    scrollBy({ top: place.top - height - (innerHeight - height) / 4, behavior });
  }
}

function playFrom(ms) {
  sought = true;
  scrolledAt = -Infinity;
  media.currentTime = ms / 1000;
  play();
}

function play() {
  media.play().catch(() => {}); // browsers may wait for a click before they let anything sound
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
  playFrom(ms);
}

document.addEventListener("click", (event) => {
  if (!media || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const line = moment(event.target);
  if (!line) return;
  event.preventDefault();
  begin(line);
});

document.getElementById("line").addEventListener("click", (event) => {
  if (!media?.duration) return;
  const box = event.currentTarget.getBoundingClientRect();
  playFrom(((event.clientX - box.left) / box.width) * media.duration * 1000);
});

const hits = [...document.querySelectorAll(".here a[data-start]")].map((a) => Number(a.dataset.start));

function toHit(way) {
  const now = milliseconds();
  const ahead = way > 0
    ? hits.find((ms) => ms > now + 500) ?? hits[0]
    : hits.findLast((ms) => ms < now - 1500) ?? hits.at(-1);
  if (ahead !== undefined) playFrom(ahead);
}

for (const [id, way] of [["previous", -1], ["next", 1]]) {
  document.getElementById(id)?.addEventListener("click", (event) => {
    if (!media || !hits.length) return;
    event.preventDefault();
    toHit(way);
  });
}

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
  const line = begun ?? current ?? lineAt(milliseconds());
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

function track() {
  return [...media.textTracks].find((one) => one.kind === "captions");
}

function toggleCaptions() {
  track().mode = track().mode === "showing" ? "disabled" : "showing";
}

function changeSpeed(way) {
  const now = media.playbackRate;
  const next = way > 0 ? SPEEDS.find((one) => one > now) : SPEEDS.findLast((one) => one < now);
  media.playbackRate = next ?? now;
}

// The player's own menu has speeds that ours has not.
function showSpeed() {
  const speed = document.getElementById("speed");
  const rate = media.playbackRate;
  if (![...speed.options].some((one) => Number(one.value) === rate)) {
    const words = `${rate.toLocaleString(document.documentElement.lang)}×`;
    const next = [...speed.options].find((one) => Number(one.value) > rate) ?? null;
    speed.add(new Option(words, String(rate)), next);
  }
  speed.value = String(rate);
}

let slow = null;

// Said after a while and taken back in silence; seeking about says nothing.
function wait() {
  const waits = !media.error && (media.seeking || (!media.paused && media.readyState < 3));
  const loading = document.getElementById("loading");
  document.getElementById("broken").hidden = !media.error;
  if (!waits) {
    clearTimeout(slow);
    slow = null;
    if (loading.textContent) loading.textContent = "";
  } else {
    slow ??= setTimeout(() => { loading.textContent = texts.loading; }, SLOW_MS);
  }
}

// --- keys --------------------------------------------------------------------------------------

const dialog = document.getElementById("keys");
const keysOn = document.getElementById("keys-on");
keysOn.checked = localStorage.getItem("keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
document.getElementById("show-keys")?.addEventListener("click", () => dialog.showModal());

const skip = (seconds) => () => {
  media.currentTime = Math.max(media.currentTime + seconds, 0);
};
const toggle = () => (media.paused ? play() : media.pause());

const KEYS = {
  " ": toggle,
  k: toggle,
  j: skip(-10),
  l: skip(10),
  ArrowLeft: skip(-5),
  ArrowRight: skip(5),
  n: () => toHit(1),
  p: () => toHit(-1),
  c: toggleCaptions,
  t: () => enter(current ?? lineAt(milliseconds()) ?? lines[0]),
  "<": () => changeSpeed(-1),
  ">": () => changeSpeed(1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (localStorage.getItem("keys") === "off") return;
  const where = event.target;
  if (where.closest("input, textarea, select")) return;
  const theirs = event.key === " " || event.key.startsWith("Arrow");
  if (theirs && where.closest("button, summary, video, audio")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("q").focus();
  } else if (event.key === "?") {
    dialog.showModal();
  } else if (media && KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

// Lines are no stops of the Tab key, of which there would be thousands: arrow keys lead from one to
// the next. The one that has the focus is a link for as long.

function enter(line) {
  if (!line) return;
  line.tabIndex = -1;
  line.setAttribute("role", "link");
  line.focus();
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

// --- begin -------------------------------------------------------------------------------------

const scrolled = () => { scrolledAt = performance.now(); };

if (media) {
  media.addEventListener("timeupdate", follow);
  media.addEventListener("seeked", follow);
  for (const name of ["waiting", "seeking", "seeked", "playing", "canplay", "pause", "error"]) {
    media.addEventListener(name, wait);
  }
  media.addEventListener("ratechange", showSpeed);
  document.addEventListener("wheel", scrolled, { passive: true });
  document.addEventListener("touchmove", scrolled, { passive: true });
  transcript?.addEventListener("keydown", arrow);
  transcript?.addEventListener("focusout", leave);
  document.getElementById("speed").addEventListener("change", (event) => {
    media.playbackRate = Number(event.target.value);
  });
  document.getElementById("captions").addEventListener("click", toggleCaptions);
  document.getElementById("copy-link").addEventListener("click", () => copy(addressOf(milliseconds()), texts.copied_link));
  document.getElementById("copy-quote").addEventListener("click", quote);
  media.textTracks.addEventListener("change", () => {
    document.getElementById("captions").setAttribute("aria-pressed", String(track().mode === "showing"));
  });
  showSpeed();
  wait();
  if (media.dataset.at) {
    mark(lineAt(Number(media.dataset.at) + 50));
    play();
  }
}
if (current) show(current, true);
