// The watch page: the transcript follows what plays, a click on a line plays from there, keys steer.
// Without this script all of it still reads and plays; every line is a link of its own.

const player = document.getElementById("player");
const media = document.getElementById("media");
const transcript = document.getElementById("transcript");
const texts = JSON.parse(player.dataset.texts);
const lines = [...document.querySelectorAll("#transcript a[data-start]")];
const starts = lines.map((line) => Number(line.dataset.start));
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const FOLLOW_AFTER_MS = 4000; // after scrolling by hand the page stays where it was put
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];

let current = null;
let scrolledAt = -Infinity;

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
  if (line === current) return;
  current?.removeAttribute("aria-current");
  current = line;
  if (!line) return;
  line.setAttribute("aria-current", "true");
  const reading = transcript.querySelector(":focus-visible"); // by keyboard: it stays in view
  if (!reading && performance.now() - scrolledAt > FOLLOW_AFTER_MS) show(line);
}

function show(line, atOnce = false) {
  const inside = transcript.getBoundingClientRect();
  const place = line.getBoundingClientRect();
  const bottom = Math.min(inside.bottom, innerHeight);
  if (place.top > inside.top + 40 && place.bottom < bottom - 60) return;
  const behavior = calm.matches || atOnce ? "instant" : "smooth";
  if (transcript.scrollHeight > transcript.clientHeight + 10) {
    transcript.scrollBy({ top: place.top - inside.top - inside.height / 3, behavior });
  }
}

function playFrom(ms) {
  media.currentTime = ms / 1000;
  scrolledAt = -Infinity;
  play();
}

function play() {
  media.play().catch(() => {}); // browsers may wait for a click before they let anything sound
}

// --- links to moments --------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-start]");
  if (!link || !media || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (String(getSelection()).trim()) return event.preventDefault(); // marking text, not clicking
  event.preventDefault();
  history.replaceState(null, "", link.href);
  playFrom(Number(link.dataset.start));
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
  const marked = String(getSelection()).trim().replace(/\s+/g, " ");
  const line = lineOf(getSelection()) ?? current ?? lineAt(milliseconds());
  if (!line) return say(texts.no_line);
  const speaker = line.closest("p").querySelector(".speaker")?.textContent;
  const words = marked || line.textContent.trim();
  const ms = Number(line.dataset.start);
  const source = [speaker, player.dataset.title, clock(ms)].filter(Boolean).join(", ");
  const [open, close] = document.documentElement.lang === "de" ? ["„", "“"] : ["“", "”"];
  copy(`${open}${words}${close}\n${source}\n${addressOf(ms)}`, texts.copied_quote);
}

function lineOf(selection) {
  const node = selection?.anchorNode;
  const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  return String(selection).trim() ? element?.closest("a[data-start]") : null;
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

function setSpeed(rate) {
  media.playbackRate = rate;
  document.getElementById("speed").value = String(rate);
}

function changeSpeed(way) {
  const place = SPEEDS.indexOf(media.playbackRate);
  setSpeed(SPEEDS[Math.min(Math.max(place + way, 0), SPEEDS.length - 1)]);
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

// --- begin -------------------------------------------------------------------------------------

if (media) {
  media.addEventListener("timeupdate", follow);
  media.addEventListener("seeked", follow);
  transcript?.addEventListener("wheel", () => { scrolledAt = performance.now(); }, { passive: true });
  transcript?.addEventListener("touchmove", () => { scrolledAt = performance.now(); }, { passive: true });
  document.getElementById("speed").addEventListener("change", (event) => setSpeed(Number(event.target.value)));
  document.getElementById("captions").addEventListener("click", toggleCaptions);
  document.getElementById("copy-link").addEventListener("click", () => copy(addressOf(milliseconds()), texts.copied_link));
  document.getElementById("copy-quote").addEventListener("click", quote);
  media.textTracks.addEventListener("change", () => {
    document.getElementById("captions").setAttribute("aria-pressed", String(track().mode === "showing"));
  });
  if (media.dataset.at) {
    current = lineAt(Number(media.dataset.at) + 50);
    if (current) show(current, true);
    play();
  }
}
