// Charts: drawn when they come near, at the width of their place, in the colours of the reader's choice.

const dark = matchMedia("(prefers-color-scheme: dark)");
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
  const lines = [spec.title.subtitle ?? ""].flat(); // one line, or several where a budget is told below
  const title = {...spec.title, subtitle: lines.flatMap((line) => wrapped(line, room - AXIS))};
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

export function drawAll() {
  for (const holder of document.querySelectorAll("[data-figure]")) near.observe(holder);
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
