// The labelling canvas: shows a frame, lets a person choose, draw and erase its mask, and hands every verdict to the
// server, which saves it at once. `element` and `server` come from gradio's HTML component.
const find = (selector) => element.querySelector(selector);
const sheet = find(".sheet");
const pen = sheet.getContext("2d");
const said = find(".said");
const note = find(".note");
const size = find(".size");
const COLOR = [255, 0, 160];
const SURE = 128;
const mask = document.createElement("canvas"); // white and opaque where the target is
const drawing = mask.getContext("2d", { willReadFrequently: true });
let frame = null; // as the server gave it
let numbers = null; // of the candidates, one for each pixel
let proposed = null; // the model's mask, an image
let tool = "choose";
let hidden = false;
let stroke = null; // last point while the pointer is down
let cursor = null;
let undone = []; // masks before the last changes
let dirty = false; // drawn, and no verdict yet
let waiting = false; // for the model's mask, which nobody has seen yet
let timer = null;
let busy = Promise.resolve(); // one request after the other

function say(text, bad = false) {
  note.textContent = text;
  note.classList.toggle("bad", bad);
}

async function ask(name, request) {
  try {
    const reply = await server[name](request);
    if (reply.error) say(reply.error, true);
    return reply.error ? null : reply;
  } catch (error) {
    say(`the server does not answer (${error.message || error}); nothing was saved`, true);
    return null;
  }
}

function picture(address) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("a picture cannot be read"));
    image.src = address;
  });
}

function take(image) { // a black and white picture becomes the mask
  drawing.globalCompositeOperation = "source-over";
  drawing.clearRect(0, 0, mask.width, mask.height);
  if (!image) return;
  drawing.drawImage(image, 0, 0);
  const pixels = drawing.getImageData(0, 0, mask.width, mask.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    pixels.data.fill(pixels.data[i] >= SURE ? 255 : 0, i, i + 4);
  }
  drawing.putImageData(pixels, 0, 0);
}

async function numbersOf(address) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [frame.width, frame.height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(await picture(address), 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 === 0);
}

async function propose(reply) { // the model's mask and its other candidates
  proposed = await picture(reply.proposed);
  numbers = await numbersOf(reply.candidates);
}

function paint() {
  if (!frame) return;
  pen.drawImage(frame.picture, 0, 0);
  if (!hidden) {
    const tint = document.createElement("canvas");
    [tint.width, tint.height] = [mask.width, mask.height];
    const context = tint.getContext("2d");
    context.drawImage(mask, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = `rgb(${COLOR})`;
    context.fillRect(0, 0, tint.width, tint.height);
    pen.globalAlpha = 0.5;
    pen.drawImage(tint, 0, 0);
    pen.globalAlpha = 1;
  }
  if (cursor && tool !== "choose") {
    pen.beginPath();
    pen.arc(cursor.x, cursor.y, radius(), 0, 2 * Math.PI);
    pen.strokeStyle = tool === "brush" ? "#fff" : "#000";
    pen.lineWidth = Math.max(1, frame.width / 500);
    pen.stroke();
  }
}

const radius = () => (Number(size.value) * frame.width) / 1000;

function tell(counts) {
  const { labelled, absent, rejected, open } = counts;
  find(".counts").textContent = `${labelled} labelled, ${absent} not in view, ${rejected} left out, ${open} open`;
}

function tellVerdict(verdict) {
  const words = { labelled: "✓ labelled", absent: "✓ not in view", rejected: "✗ left out" };
  find(".verdict").textContent = words[verdict] || "";
}

async function open(number) {
  if (!(await flush())) return;
  say("loading …");
  const reply = await ask("open_frame", { number });
  if (!reply) return;
  reply.picture = await picture(reply.image);
  frame = reply;
  for (const canvas of [sheet, mask]) [canvas.width, canvas.height] = [frame.width, frame.height];
  sheet.style.width = `min(100%, ${(68 * frame.width) / frame.height}vh)`; // small frames are enlarged
  take(frame.mask ? await picture(frame.mask) : null);
  [undone, dirty, stroke, proposed, numbers, waiting] = [[], false, null, null, null, false];
  said.value = frame.instruction;
  find(".place").textContent = `${frame.number + 1} / ${frame.total}  ${frame.name}`;
  tellVerdict(frame.verdict);
  tell(frame.counts);
  paint();
  if (frame.fault) return say(`${frame.fault}; leave it out (X) or go on (→)`, true);
  if (!frame.instruction) return say("type an instruction (I), then Enter asks the model");
  waiting = !frame.mask;
  say("the model answers …");
  queue(() => suggest(number === null ? frame.number : number));
}

async function suggest(number) { // the model's mask for a frame that was just opened
  if (frame.number !== number) return;
  const reply = await ask("ask", { number, instruction: frame.instruction });
  if (!reply) return;
  await propose(reply);
  if (waiting && !undone.length) take(proposed);
  waiting = false;
  say(frame.draft ? "a drawing without a verdict, as it was left" : judgement(reply));
  paint();
}

function judgement(reply) {
  const source = reply.chosen ? "a person's choice on the robot; " : "";
  return `${source}model: ${reply.present ? "in view" : "not in view"}, score ${reply.score.toFixed(2)}`;
}

async function askModel() {
  said.blur();
  say("asking the model …");
  const reply = await ask("ask", { number: frame.number, instruction: said.value });
  if (!reply) return;
  await propose(reply);
  remember();
  take(proposed);
  waiting = false;
  frame.instruction = said.value;
  say(judgement(reply));
  paint();
}

function remember() {
  undone.push(drawing.getImageData(0, 0, mask.width, mask.height));
  if (undone.length > 20) undone.shift();
}

function changed() { // keeps the drawing on the server, since the browser may be closed
  dirty = !frame.fault;
  paint();
  clearTimeout(timer);
  timer = setTimeout(() => queue(flush), 400);
}

async function flush() { // whether the drawing, if there is one, is on the server
  clearTimeout(timer);
  if (!dirty || !frame) return true;
  dirty = false;
  const reply = await ask("keep", { number: frame.number, instruction: said.value, mask: mask.toDataURL("image/png") });
  dirty = dirty || !reply;
  return Boolean(reply);
}

async function give(verdict) {
  clearTimeout(timer);
  if (verdict === "labelled" && waiting && !undone.length) return say("there is no mask yet; draw it with the brush (B)", true);
  const request = { number: frame.number, verdict, instruction: said.value };
  if (verdict === "labelled") request.mask = mask.toDataURL("image/png");
  say("saving …");
  const reply = await ask("save", request);
  if (!reply) return;
  dirty = false;
  tell(reply.counts);
  tellVerdict(reply.verdict);
  if (frame.number + 1 < frame.total) await open(frame.number + 1);
  else say("saved; this is the last frame");
}

function choose(number) {
  if (!numbers || number < 1 || !numbers.includes(number)) return say("there is no candidate here; draw it with the brush (B)");
  remember();
  drawing.globalCompositeOperation = "source-over";
  const pixels = drawing.createImageData(mask.width, mask.height);
  numbers.forEach((value, i) => { if (value === number) pixels.data.fill(255, 4 * i, 4 * i + 4); });
  drawing.putImageData(pixels, 0, 0);
  say(`candidate ${number}`);
  changed();
}

function place(event) {
  const box = sheet.getBoundingClientRect();
  return { x: ((event.clientX - box.left) * sheet.width) / box.width, y: ((event.clientY - box.top) * sheet.height) / box.height };
}

function line(from, to) {
  drawing.globalCompositeOperation = tool === "brush" ? "source-over" : "destination-out";
  drawing.strokeStyle = "#fff";
  drawing.lineCap = "round";
  drawing.lineWidth = 2 * radius();
  drawing.beginPath();
  drawing.moveTo(from.x, from.y);
  drawing.lineTo(to.x, to.y);
  drawing.stroke();
}

function use(name) {
  tool = name;
  for (const button of element.querySelectorAll(".tools [data-do]")) button.classList.toggle("on", button.dataset.do === tool);
  paint();
}

const queue = (work) => { busy = busy.then(work).catch((error) => say(String(error.message || error), true)); return busy; };

const DO = {
  back: () => queue(() => open(Math.max(0, frame.number - 1))),
  next: () => queue(() => open(Math.min(frame.total - 1, frame.number + 1))),
  open: () => queue(() => open(null)),
  ask: () => queue(askModel),
  choose: () => use("choose"),
  brush: () => use("brush"),
  erase: () => use("erase"),
  undo: () => { if (undone.length) { drawing.putImageData(undone.pop(), 0, 0); changed(); } },
  clear: () => { remember(); take(null); changed(); },
  reset: () => { if (proposed) { remember(); take(proposed); changed(); } },
  toggle: () => { hidden = !hidden; paint(); },
  accept: () => queue(() => give("labelled")),
  absent: () => queue(() => give("absent")),
  reject: () => queue(() => give("rejected")),
  said: () => { said.focus(); said.select(); },
  smaller: () => { size.value = Number(size.value) - 4; paint(); },
  larger: () => { size.value = Number(size.value) + 4; paint(); },
};
const KEYS = {
  ArrowLeft: "back", ArrowRight: "next", u: "open", m: "ask", v: "choose", b: "brush", e: "erase", z: "undo", c: "clear",
  r: "reset", h: "toggle", a: "accept", Enter: "accept", n: "absent", x: "reject", i: "said", "[": "smaller", "]": "larger",
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button || (!frame && button.dataset.do !== "open")) return;
  button.blur(); // Enter is accept, not the button once more
  DO[button.dataset.do]();
});

document.addEventListener("keydown", (event) => {
  if (!frame || !element.isConnected || element.offsetParent === null) return;
  if (event.target === said) {
    if (event.key === "Enter") DO.ask();
    if (event.key === "Escape") said.blur();
    return;
  }
  const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable=true]");
  if ((typing && typing !== size) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[1-9]$/.test(event.key)) choose(Number(event.key));
  else if (KEYS[event.key] || KEYS[event.key.toLowerCase()]) DO[KEYS[event.key] || KEYS[event.key.toLowerCase()]]();
  else return;
  event.preventDefault();
});

sheet.addEventListener("pointerdown", (event) => {
  if (!frame || event.button !== 0) return;
  const point = place(event);
  if (tool === "choose") {
    const at = Math.floor(point.y) * frame.width + Math.floor(point.x);
    return choose(numbers ? numbers[at] : 0);
  }
  sheet.setPointerCapture(event.pointerId);
  remember();
  stroke = point;
  line(point, point);
  paint();
});
sheet.addEventListener("pointermove", (event) => {
  cursor = frame && place(event);
  if (stroke) {
    line(stroke, cursor);
    stroke = cursor;
  }
  paint();
});
for (const name of ["pointerup", "pointercancel"]) {
  sheet.addEventListener(name, () => {
    if (stroke) changed();
    stroke = null;
  });
}
sheet.addEventListener("pointerleave", () => { cursor = null; paint(); });

use("choose");
queue(() => open(null));
