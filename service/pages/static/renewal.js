// A page that is fetched anew while it is read: what the reader looks at stays where it is.

import {drawAll} from "./charts.js";

export const FINISHED = new Set(["succeeded", "partial", "failed", "cancelled"]);
export const LOOK_EVERY = 10_000; // milliseconds, at least, between looks at new results

export async function reload() {
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

export function words(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"], [Math.floor(whole / 60) % 60, "min"], [whole % 60, "s"]];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount} ${unit}`).join(" ");
}
