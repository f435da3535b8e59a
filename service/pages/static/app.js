// The dashboard's only behaviour: draw charts, and move the progress along the experiment's event stream.

const dark = matchMedia("(prefers-color-scheme: dark)");
const FINISHED = new Set(["succeeded", "partial", "failed", "cancelled"]);
const NARROW = 640; // pixels below which panels stand under each other
const AXIS = 84; // pixels beside a panel's drawing area: axis labels, title and padding
const NAMES = 170; // the same where models are named at the left
const LOOK_EVERY = 10_000; // milliseconds, at least, between looks at new results
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

const views = new WeakMap(); // of what is drawn, to be let go before it is drawn anew

async function draw(holder) {
  const theme = dark.matches ? "dark" : "light";
  try {
    const answer = await fetch(`${holder.dataset.figure}?theme=${theme}`, {headers: {Accept: "application/json"}});
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
    const spec = fitted(await answer.json(), holder.clientWidth);
    holder.style.minHeight = `${holder.clientHeight}px`; // what lies below must not jump while the old chart is gone
    views.get(holder)?.finalize();
    views.set(holder, (await window.drawVega(holder, spec)).view);
    holder.dataset.width = holder.clientWidth;
  } catch (error) {
    holder.textContent = `This chart could not be drawn: ${error.message}.`;
  } finally {
    holder.style.minHeight = "";
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

function advance(article, {progress, runs, state, cancelling, eta_seconds: eta}) {
  if (cancelling) article.dataset.cancelling = ""; // progress still comes, and calls the experiment running
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
  const word = "cancelling" in article.dataset && !FINISHED.has(state) ? "cancelling" : state;
  badge.textContent = word;
  badge.className = `badge ${word}`;
}

async function reload() {
  const answer = await fetch(location.href, {headers: {Accept: "text/html"}});
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  exchange(document.querySelector("main"), fresh.querySelector("main"));
  drawAll();
}

// Charts stay where they are until they are drawn anew, and the reader stays where he was.
function exchange(old, main) {
  for (const holder of main.querySelectorAll("[data-figure]")) {
    const drawn = old.querySelector(`[data-figure="${holder.dataset.figure}"]`);
    if (drawn) holder.replaceWith(drawn);
  }
  const stay = [place(old), ...[...old.querySelectorAll(".scroll")].map(scrolled)];
  old.replaceWith(main);
  for (const restore of stay) restore(main);
}

function name(section) {
  return section.ariaLabel ?? section.querySelector("h2")?.textContent;
}

// The section at the top of the window stays there, whatever grew above it.
function place(old) {
  const top = scrollY;
  const section = [...old.querySelectorAll("section")].find((each) => each.getBoundingClientRect().bottom > 0);
  const before = section?.getBoundingClientRect().top;
  return (main) => {
    const same = top && section && [...main.querySelectorAll("section")].find((each) => name(each) === name(section));
    scrollTo({top, behavior: "instant"});
    if (same) scrollBy({top: same.getBoundingClientRect().top - before, behavior: "instant"});
  };
}

function scrolled(table) {
  const {scrollTop: top, scrollLeft: left, ariaLabel} = table;
  const focused = table === document.activeElement;
  return (main) => {
    const same = [...main.querySelectorAll(".scroll")].find((each) => each.ariaLabel === ariaLabel);
    same?.scrollTo({top, left, behavior: "instant"});
    if (focused) same?.focus({preventScroll: true});
  };
}

// Scores are shown as they come: when more runs have succeeded than the page knows, it is fetched again.
function follow(id) {
  const stream = new EventSource(`/experiments/${encodeURIComponent(id)}/events`);
  const article = () => document.querySelector("[data-experiment]");
  let due, loaded = performance.now();
  let loading = Promise.resolve();
  const look = () => {
    due = undefined;
    loading = loading.then(reload).catch(() => {}).then(() => { loaded = performance.now(); });
  };
  const hear = ({data}) => {
    const news = JSON.parse(data);
    advance(article(), news);
    if (FINISHED.has(news.state)) {
      stream.close();
      clearTimeout(due);
      look();
    } else if (news.runs?.succeeded > Number(article().dataset.succeeded)) {
      due ??= setTimeout(look, Math.max(0, loaded + LOOK_EVERY - performance.now()));
    }
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
const live = document.querySelector("[data-live=true]");
if (live) follow(live.dataset.experiment);
