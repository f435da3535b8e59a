// The dashboard's only behaviour: draw charts, and move the progress along the experiment's event stream.

const dark = matchMedia("(prefers-color-scheme: dark)");
const FINISHED = new Set(["succeeded", "partial", "failed", "cancelled"]);
const NARROW = 640; // pixels below which panels stand under each other
const AXIS = 84; // pixels beside a panel's drawing area: axis labels, title and padding
const NAMES = 170; // the same where models are named at the left
const CHARACTER = 6.6; // pixels of one character of a subtitle, about

// Vega-Lite can fit one panel to a width, but not several: theirs leaves room for what stands beside them.
function drawingWidth(view, share) {
  const named = view.layer?.some(({encoding}) => encoding?.y?.field === "model");
  return Math.max(140, Math.floor(share - (named ? Math.min(NAMES, share * 0.45) : AXIS)));
}

function wrapped(text, room) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && longer.length * CHARACTER > room) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

// A figure is drawn at the width of its place: one panel fills it, several share it or stack on a phone.
function fitted(spec, room) {
  const config = {...spec.config, legend: {...spec.config.legend, columns: room < NARROW ? 2 : 4}};
  const title = {...spec.title, subtitle: wrapped(spec.title.subtitle ?? "", room - AXIS)};
  if (!spec.concat) return {...spec, config, title, width: room, autosize: {type: "fit-x", contains: "padding"}};
  const columns = room < NARROW ? 1 : spec.columns;
  const share = (room - (columns - 1) * spec.config.concat.spacing) / columns;
  const concat = spec.concat.map((view) => ({...view, width: drawingWidth(view, share)}));
  return {...spec, config, title, columns, concat};
}

async function draw(holder) {
  const theme = dark.matches ? "dark" : "light";
  try {
    const answer = await fetch(`${holder.dataset.figure}?theme=${theme}`, {headers: {Accept: "application/json"}});
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
    await window.drawVega(holder, fitted(await answer.json(), holder.clientWidth));
    holder.dataset.width = holder.clientWidth;
  } catch (error) {
    holder.textContent = `This chart could not be drawn: ${error.message}.`;
  }
}

// Charts far down the page are drawn when they come near.
const near = new IntersectionObserver((seen) => {
  for (const {isIntersecting, target} of seen) {
    if (isIntersecting) {
      near.unobserve(target);
      draw(target);
    }
  }
}, {rootMargin: "600px"});

function drawAll() {
  for (const holder of document.querySelectorAll("[data-figure]")) near.observe(holder);
}

function words(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"], [Math.floor(whole / 60) % 60, "min"], [whole % 60, "s"]];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount} ${unit}`).join(" ");
}

function say(article, name, value, text) {
  const place = article.querySelector(`[data-${name}]`);
  place.hidden = !value;
  place.querySelector("b").textContent = text;
}

function advance(article, {progress, runs, state, eta_seconds: eta}) {
  const count = new Intl.NumberFormat("en");
  const bar = article.querySelector(".progress progress");
  if (progress) {
    bar.max = progress.total || 1;
    bar.value = progress.completed;
    article.querySelector("[data-completed]").textContent = count.format(progress.completed);
    article.querySelector("[data-total]").textContent = count.format(progress.total);
  }
  if (runs) say(article, "failed", runs.failed, count.format(runs.failed));
  if (eta !== undefined) say(article, "eta", eta !== null, words(eta ?? 0));
  if (state) showState(article, state);
}

function showState(article, state) {
  const badge = article.querySelector(".title [data-state]");
  badge.textContent = state;
  badge.className = `badge ${state}`;
}

async function reload() {
  const answer = await fetch(location.href, {headers: {Accept: "text/html"}});
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector("main").replaceWith(fresh.querySelector("main"));
  drawAll();
}

function follow(article) {
  const stream = new EventSource(`/experiments/${encodeURIComponent(article.dataset.experiment)}/events`);
  const hear = ({data}) => {
    const news = JSON.parse(data);
    advance(article, news);
    if (!FINISHED.has(news.state)) return;
    stream.close();
    reload();
  };
  stream.addEventListener("progress", hear);
  stream.addEventListener("state", hear);
  addEventListener("pagehide", () => stream.close(), {once: true});
}

let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => {
    for (const holder of document.querySelectorAll("[data-width]")) {
      if (Number(holder.dataset.width) !== holder.clientWidth) draw(holder);
    }
  }, 150);
});
dark.addEventListener("change", () => document.querySelectorAll("[data-width]").forEach(draw));

drawAll();
const article = document.querySelector("[data-live=true]");
if (article) follow(article);
