// A study's page: starts it, and looks how far it is while it runs.

import {drawAll} from "./charts.js";
import {FINISHED, LOOK_EVERY, reload, words} from "./renewal.js";

const PACE = 2_000; // milliseconds between looks at the progress
const count = new Intl.NumberFormat("en");

// crypto.randomUUID is there on loopback and https only.
function token() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function start(form, scale) {
  const headers = {"Content-Type": "application/json", "Accept": "application/json", "Idempotency-Key": token()};
  const session = document.querySelector("meta[name=memspan-token]");
  if (session) headers["X-Memspan-Token"] = session.content;
  const answer = await fetch(form.dataset.start, {method: "POST", headers, body: JSON.stringify({scale})});
  if (!answer.ok) throw new Error((await answer.json()).detail ?? `the service answered ${answer.status}`);
  location.assign(answer.headers.get("Location"));
}

// The page is exchanged while it is read, so nobody listens at the form itself.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-start]");
  if (!form) return;
  event.preventDefault();
  const {ask} = event.submitter.dataset;
  if (ask && !window.confirm(ask)) return;
  const buttons = [...form.querySelectorAll("button")], trouble = form.querySelector("[role=alert]");
  buttons.forEach((button) => { button.disabled = true; });
  try {
    await start(form, event.submitter.value);
  } catch (error) {
    trouble.textContent = `It could not be started: ${error.message}`;
    trouble.hidden = false;
    buttons.forEach((button) => { button.disabled = false; });
  }
});

function show(bar, text, {completed, total}, eta) {
  bar.max = total || 1;
  bar.value = completed;
  text.textContent = `${count.format(completed)} of ${count.format(total)} epochs` + (eta === null ? "" : `, about ${words(eta)} left`);
}

function mark(place, state) {
  const badge = place.querySelector("[data-state]");
  badge.textContent = state;
  badge.className = `badge ${state}`;
}

function advance(article, study) {
  mark(article.querySelector(".title"), study.state);
  show(article.querySelector(".progress progress"), article.querySelector("[data-progress]"), study.progress, study.eta_seconds);
  for (const part of study.parts) {
    const place = article.querySelector(`[data-part="${CSS.escape(part.id)}"]`);
    const bar = place?.querySelector("progress");
    if (bar) bar.value = part.progress.completed;
    if (place) mark(place, part.state);
  }
}

const ended = (study) => study.parts.reduce((sum, {runs}) => sum + runs.succeeded + runs.failed + runs.cancelled, 0);

// Verdicts are shown as they come: when more runs have ended than the page knows, it is fetched again.
async function follow(address) {
  let known, loaded = performance.now();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, PACE));
    if (document.hidden) continue;
    const answer = await fetch(address, {headers: {Accept: "application/json"}}).catch(() => null);
    if (!answer?.ok) continue;
    const study = await answer.json();
    advance(document.querySelector("[data-study]"), study);
    known ??= ended(study);
    const over = FINISHED.has(study.state);
    if (over || (ended(study) > known && performance.now() > loaded + LOOK_EVERY)) {
      await reload().catch(() => {});
      [known, loaded] = [ended(study), performance.now()];
    }
    if (over) return;
  }
}

drawAll();
const live = document.querySelector("[data-study][data-live=true]");
if (live) follow(live.dataset.study);
