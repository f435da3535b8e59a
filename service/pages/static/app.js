// An experiment's page: its progress moves along the event stream.

import {drawAll} from "./charts.js";
import {FINISHED, LOOK_EVERY, reload, words} from "./renewal.js";

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

// Scores are shown as they come: when more runs have succeeded than the page knows, it is fetched again.
function follow(id) {
  const stream = new EventSource(`/experiments/${encodeURIComponent(id)}/events`);
  const article = () => document.querySelector("[data-experiment]");
  let due, over, loaded = performance.now();
  let loading = Promise.resolve();
  const look = () => {
    due = undefined;
    loading = loading.then(reload).catch(() => {}).then(() => { loaded = performance.now(); });
  };
  const hear = ({data}) => {
    const news = JSON.parse(data);
    advance(article(), news);
    clearTimeout(over);
    if (FINISHED.has(news.state)) { // the last word, unless it was retried or extended behind it
      over = setTimeout(() => {
        stream.close();
        clearTimeout(due);
        look();
      }, 300);
    } else if (news.runs?.succeeded > Number(article().dataset.succeeded)) {
      due ??= setTimeout(look, Math.max(0, loaded + LOOK_EVERY - performance.now()));
    }
  };
  stream.addEventListener("progress", hear);
  stream.addEventListener("state", hear);
  addEventListener("pagehide", () => stream.close(), {once: true});
}

drawAll();
const live = document.querySelector("[data-live=true]");
if (live) follow(live.dataset.experiment);
