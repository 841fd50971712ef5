"use strict";

// The server is the only memory: a decision counts once it has answered that it is on the disk, and only then the page
// goes on. Nothing is kept here to be sent later.

const element = (id) => document.getElementById(id);
const AHEAD = 3, KEPT = 30, ASK_EVERY_MS = 4000, MOST_ZOOM = 8;

let all; // the server's overview: labels, scores and decisions by columns
let at = 0; // number of the patch on show
let shown = false; // whether its picture is on the screen
let current = null; // what the server tells of it, once that is there and there is a picture
let busy = false; // whether an answer to a decision is awaited
const undo = []; // [number, decision before, decision after]
const fetched = new Map(); // number -> promise of what the server tells of a patch
const view = { zoom: 1, x: 0, y: 0 };

// Talking to the server

async function ask(path, options) {
  let answer, told;
  try {
    answer = await fetch(path, options);
    told = await answer.json();
  } catch {
    throw new Error("The server does not answer. Start microcalc data review again, and open the address it prints.");
  }
  if (!answer.ok) throw Object.assign(new Error(told.error), { status: answer.status });
  return told;
}

function alarm(text) {
  element("trouble").hidden = !text;
  if (element("trouble").textContent !== text) element("trouble").textContent = text;
}

async function refresh() {
  all = await ask("overview");
  showCounts();
  showStrip();
  showDecision();
}

// Other pages decide too; and a server that is gone is told of before the next key is pressed.
async function watch() {
  try {
    if (!busy && (await ask("progress")).revision !== all.revision && !busy) await refresh();
    alarm("");
  } catch (error) {
    alarm(error.message);
  }
  setTimeout(watch, ASK_EVERY_MS);
}

function details(number) {
  if (!fetched.has(number)) {
    const promise = ask(`patches/${number}`);
    promise.catch(() => fetched.delete(number)); // to be asked again
    fetched.set(number, promise);
    if (fetched.size > KEPT) fetched.delete(fetched.keys().next().value);
  }
  return fetched.get(number);
}

// Deciding

async function record(number, decision, seen) {
  busy = true;
  say(`Saving: ${decision}.`);
  try {
    const options = { method: "POST", headers: { "Content-Type": "application/json" } };
    const told = await ask("decisions", { ...options, body: JSON.stringify({ patch: number, decision, seen }) });
    all.decisions[number] = decision;
    // Another page has decided something in between: watch() will ask for it.
    if (told.revision === all.revision + 1) all.revision = told.revision;
    alarm("");
    return true;
  } catch (error) {
    alarm(`${decision} is ${error.status ? "not saved" : "perhaps not saved"}. ${error.message}`);
    say("");
    if (error.status === 409) await refresh().catch(() => {});
    return false;
  } finally {
    busy = false;
  }
}

async function decide(decision) {
  if (busy) return say("Still saving the last decision: press again.");
  if (!shown) return say("The picture is not there yet: look first.");
  const number = at, before = all.decisions[number];
  if (!(await record(number, decision, before))) return;
  undo.push([number, before, decision]);
  showCounts();
  const next = find(number, 1);
  if (next === null) {
    showStrip();
    showDecision();
    say(`${decision} saved. There is no patch after this one.`);
  } else {
    go(next);
    say(`${decision} saved.`);
  }
}

async function takeBack() {
  if (busy) return say("Still saving the last decision: press again.");
  const last = undo.at(-1);
  if (!last) return say("Nothing to undo since this page was opened.");
  const [number, before, after] = last;
  go(number);
  if (all.decisions[number] !== after) {
    undo.pop();
    return say("This patch has been decided anew since: not undone.");
  }
  if (!(await record(number, before, after))) return;
  undo.pop();
  showCounts();
  showStrip();
  showDecision();
  say(`Undone: ${before} again.`);
}

// Going about

function wanted(number) {
  const label = element("label").value;
  return (!label || all.labels[number] === label) && (!element("undecided").checked || all.decisions[number] === "undecided");
}

function find(from, step, accept = wanted) {
  for (let number = from + step; number >= 0 && number < all.labels.length; number += step) if (accept(number)) return number;
  return null;
}

function nextUndecided() {
  const accept = (number) => wanted(number) && all.decisions[number] === "undecided";
  const next = find(at, 1, accept) ?? find(-1, 1, accept);
  if (next === null) say("No undecided patch is left here.");
  else go(next);
}

function move(step) {
  const next = find(at, step);
  if (next === null) say(step > 0 ? "There is no patch after this one." : "There is no patch before this one.");
  else go(next);
}

function filter() {
  const next = wanted(at) ? at : find(at, 1) ?? find(at, -1);
  if (next === null) say("No such patch.");
  go(next ?? at);
}

async function go(number) {
  at = number;
  shown = false;
  current = null;
  say("");
  Object.assign(view, { zoom: 1, x: 0, y: 0 });
  showDecision();
  showStrip();
  element("origin").textContent = element("image").textContent = "";
  element("sheet").hidden = element("bar").hidden = true;
  element("waiting").hidden = false;
  element("waiting").textContent = "Loading";
  try {
    const patch = await details(number);
    if (at === number) await show(patch, number);
  } catch (error) {
    if (at !== number) return;
    element("waiting").textContent = "No picture";
    alarm(error.message);
  }
  for (let next = number, ahead = 0; ahead < AHEAD && at === number && (next = find(next, 1)) !== null; ahead++) {
    await details(next).catch(() => {});
  }
}

// Showing

function say(text) {
  element("said").textContent = text;
}

function showCounts() {
  const counts = { keep: 0, drop: 0, unsure: 0, undecided: 0 };
  for (const decision of all.decisions) counts[decision]++;
  const total = all.decisions.length, decided = total - counts.undecided;
  element("counts").textContent =
    `${decided} of ${total} decided: ${counts.keep} keep, ${counts.drop} drop, ${counts.unsure} unsure`;
  element("progress").max = total;
  element("progress").value = decided;
}

function showDecision() {
  const decision = all.decisions[at];
  element("place").textContent = `Patch ${at + 1} of ${all.labels.length}`;
  element("decision").textContent = decision;
  element("decision").className = decision;
  for (const button of document.querySelectorAll(".decide button")) {
    button.setAttribute("aria-pressed", String(button.dataset.do === decision));
  }
  element("its-label").textContent = all.labels[at];
  element("score").textContent = all.scores[at]?.toFixed(3).replace("0.000", "none") ?? "not scored";
}

async function show(patch, number) {
  element("origin").textContent = patch.origin;
  element("image").textContent = patch.image;
  if (patch.trouble) {
    element("waiting").textContent = `No surroundings: ${patch.trouble}`;
    const thumbnail = new Image();
    thumbnail.src = `thumbnails/${number}`;
    thumbnail.alt = "The patch alone";
    element("waiting").append(thumbnail);
    shown = true;
    return;
  }
  const picture = element("picture");
  picture.src = patch.picture;
  await picture.decode();
  if (at !== number) return;
  picture.alt = `Patch labelled ${patch.label} in its surroundings, ${patch.marks.length} marks`;
  element("scene").setAttribute("viewBox", `0 0 ${patch.width} ${patch.height}`);
  for (const [i, name] of ["x", "y", "width", "height"].entries()) element("frame").setAttribute(name, patch.frame[i]);
  element("marks").replaceChildren(...patch.marks.map(circle));
  element("sheet").hidden = false;
  element("waiting").hidden = true;
  current = patch;
  arrange();
  shown = true;
}

function circle([x, y, radius, score]) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  for (const [name, value] of Object.entries({ cx: x, cy: y, r: radius })) made.setAttribute(name, value);
  const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
  title.textContent = `score ${score.toFixed(3)}`;
  made.append(title);
  return made;
}

// Screen pixels for a pixel of the picture, so that all of it just fits.
function fit() {
  const { clientWidth: wide, clientHeight: high } = element("figure");
  return Math.min(wide / current.width, high / current.height);
}

// How far the picture is moved: never past its edges.
function moved() {
  const { clientWidth: wide, clientHeight: high } = element("figure"), scale = fit() * view.zoom;
  const most = { x: Math.max(current.width * scale - wide, 0) / 2, y: Math.max(current.height * scale - high, 0) / 2 };
  return { x: Math.min(Math.max(view.x, -most.x), most.x), y: Math.min(Math.max(view.y, -most.y), most.y) };
}

// The picture as large as the figure lets it be, times the zoom.
function arrange() {
  if (!current) return;
  const scale = fit() * view.zoom, { x, y } = moved();
  Object.assign(element("sheet").style, {
    width: `${current.width * scale}px`,
    height: `${current.height * scale}px`,
    transform: `translate(calc(${x}px - 50%), calc(${y}px - 50%))`,
  });
  element("bar").hidden = !current.bar;
  if (!current.bar) return;
  const [mm, px] = current.bar;
  element("bar").querySelector("path").setAttribute("d", `M1 18v5h${px * scale}v-5`);
  element("bar").querySelector("text").textContent = `${mm} mm`;
}

function zoom(factor) {
  if (!current) return;
  if (view.zoom < 1.01) {
    // Towards the patch, which lies off the middle where the image ends.
    const [x, y, width, height] = current.frame;
    view.x = (current.width / 2 - x - width / 2) * fit();
    view.y = (current.height / 2 - y - height / 2) * fit();
  }
  const zoomed = Math.min(Math.max(view.zoom * factor, 1), MOST_ZOOM), change = zoomed / view.zoom;
  Object.assign(view, { zoom: zoomed, x: view.x * change, y: view.y * change });
  arrange();
}

function pan(right, down) {
  if (!current) return;
  const { x, y } = moved();
  Object.assign(view, { x: x + right, y: y + down });
  arrange();
}

function toggle(name, className, on) {
  const has = document.body.classList.toggle(className);
  document.querySelector(`[data-do="${name}"]`).setAttribute("aria-pressed", String(has === on));
}

function showStrip() {
  const before = find(at, -1), numbers = before === null ? [at] : [before, at];
  for (let next = at; numbers.length < 24 && (next = find(next, 1)) !== null; ) numbers.push(next);
  const old = new Map([...element("strip").children].map((button) => [Number(button.dataset.number), button]));
  element("strip").replaceChildren(...numbers.map((number) => dressed(old.get(number) ?? thumbnail(number), number)));
}

function thumbnail(number) {
  const button = document.createElement("button"), picture = new Image();
  button.dataset.number = number;
  button.tabIndex = -1; // the arrows lead there
  picture.src = `thumbnails/${number}`;
  picture.alt = "";
  button.append(picture, document.createElement("span"));
  button.addEventListener("click", () => go(number));
  return button;
}

function dressed(button, number) {
  const decision = all.decisions[number];
  button.lastChild.textContent = decision === "undecided" ? number + 1 : decision;
  button.lastChild.className = decision;
  button.setAttribute("aria-label", `Patch ${number + 1}, ${all.labels[number]}, ${decision}`);
  button.toggleAttribute("aria-current", number === at);
  return button;
}

// Keys and buttons

const actions = {
  keep: () => decide("keep"),
  drop: () => decide("drop"),
  unsure: () => decide("unsure"),
  back: () => move(-1),
  on: () => move(1),
  next: nextUndecided,
  undo: takeBack,
  marks: () => toggle("marks", "no-marks", false),
  bounds: () => toggle("bounds", "no-bounds", false),
  contrast: () => toggle("contrast", "contrast", true),
  larger: () => zoom(1.5),
  smaller: () => zoom(1 / 1.5),
  label() {
    element("label").selectedIndex = (element("label").selectedIndex + 1) % element("label").options.length;
    filter();
  },
  undecided() {
    element("undecided").checked = !element("undecided").checked;
    filter();
  },
};
const keys = {
  k: "keep", d: "drop", u: "unsure", arrowleft: "back", arrowright: "on", n: "next", z: "undo", m: "marks",
  f: "bounds", c: "contrast", "+": "larger", "=": "larger", "-": "smaller", l: "label", o: "undecided",
};
const pans = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] };
const repeatable = new Set(["back", "on", "larger", "smaller"]);

document.addEventListener("keydown", (event) => {
  const inList = event.target.matches("select") && event.key.startsWith("Arrow");
  if (event.ctrlKey || event.metaKey || event.altKey || inList) return;
  if (event.shiftKey && event.key in pans) pan(...pans[event.key]);
  else {
    const name = keys[event.key.toLowerCase()];
    // A key held down must not decide on patches that nobody has looked at.
    if (!name || (event.repeat && !repeatable.has(name))) return;
    actions[name]();
  }
  event.preventDefault();
});
for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => actions[button.dataset.do]());
}
element("label").addEventListener("change", filter);
element("undecided").addEventListener("change", filter);
element("figure").addEventListener("pointermove", (event) => {
  if (event.buttons & 1) pan(event.movementX, event.movementY);
});
addEventListener("resize", arrange);

async function start() {
  try {
    all = await ask("overview");
  } catch (error) {
    return alarm(error.message);
  }
  document.title = element("title").textContent = all.title;
  for (const label of new Set(all.labels)) element("label").append(new Option(label));
  showCounts();
  // Where an earlier sitting stopped.
  go(Math.max(all.decisions.indexOf("undecided"), 0));
  setTimeout(watch, ASK_EVERY_MS);
}
start();
