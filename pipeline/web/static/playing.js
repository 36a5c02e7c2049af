// What plays on the watch page: the transcript follows it, and keys and tools steer it.

const { watching } = globalThis;
const { lineAt, mark, show, outside, scrolls, texts } = watching;
const player = document.getElementById("player");
const media = document.getElementById("media");
const transcript = document.getElementById("transcript");

const FOLLOW_AFTER_MS = 4000; // after scrolling by hand the page stays where it was put
const SLOW_MS = 500; // what takes less long is not worth a word
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];

let scrolledAt = -Infinity;
let sought = false; // somebody has just asked for another moment

// --- where we are ------------------------------------------------------------------------------

function milliseconds() {
  return Math.round(media.currentTime * 1000);
}

function follow() {
  const line = lineAt(milliseconds() + 50);
  if (media.duration) watching.pointTo(milliseconds());
  if (line === watching.current() && !sought) return;
  const wanted = sought || followed();
  sought = sought && media.seeking;
  mark(line);
  const reading = transcript?.querySelector(":focus-visible"); // by keyboard: it stays in view
  if (line && wanted && !reading) show(line);
}

// A transcript with a scroll bar of its own comes back to what plays; a page that was scrolled to
// something else stays there.
function followed() {
  if (performance.now() - scrolledAt < FOLLOW_AFTER_MS) return false;
  const current = watching.current();
  return scrolls() || (current !== null && outside(current) === 0);
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

// --- tools -------------------------------------------------------------------------------------

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

const skip = (seconds) => () => {
  media.currentTime = Math.max(media.currentTime + seconds, 0);
};
const toggle = () => (media.paused ? play() : media.pause());

Object.assign(watching.keys, {
  " ": toggle,
  k: toggle,
  j: skip(-10),
  l: skip(10),
  ArrowLeft: skip(-5),
  ArrowRight: skip(5),
  c: toggleCaptions,
  "<": () => changeSpeed(-1),
  ">": () => changeSpeed(1),
});

// --- begin -------------------------------------------------------------------------------------

const scrolled = () => { scrolledAt = performance.now(); };

Object.assign(watching, {
  now: () => milliseconds() || (media.readyState ? 0 : Number(player.dataset.at)),
  length: () => media.duration * 1000,
  go: playFrom,
});
media.addEventListener("timeupdate", follow);
media.addEventListener("seeked", follow);
for (const name of ["waiting", "seeking", "seeked", "playing", "canplay", "pause", "error"]) {
  media.addEventListener(name, wait);
}
media.addEventListener("ratechange", showSpeed);
document.addEventListener("wheel", scrolled, { passive: true });
document.addEventListener("touchmove", scrolled, { passive: true });
document.getElementById("speed").addEventListener("change", (event) => {
  media.playbackRate = Number(event.target.value);
});
document.getElementById("captions").addEventListener("click", toggleCaptions);
media.textTracks.addEventListener("change", () => {
  document.getElementById("captions").setAttribute("aria-pressed", String(track().mode === "showing"));
});
showSpeed();
wait();
if (player.dataset.at) {
  const line = lineAt(Number(player.dataset.at) + 50);
  mark(line);
  if (line) show(line, true);
  play();
}
