// SPDX-License-Identifier: Apache-2.0

// Puts a copy button on every query, and keeps a report fresh. The pages work without it.
"use strict";
if (navigator.clipboard) {
  for (const code of document.querySelectorAll(".queries code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    const item = code.closest("li");
    let links = item.querySelector(".links");
    if (!links) {
      links = document.createElement("p");
      links.className = "links";
      item.append(links);
    }
    links.prepend(button);
  }
}

// A report of an alert that fires is read again every 30 seconds, but not while nobody
// looks, while something is typed or marked, or for who wants no motion.
const live = document.querySelector("[data-refresh]");
if (live && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
  setInterval(() => {
    const typed = [...document.querySelectorAll("input")].some((i) => i.value !== i.defaultValue);
    const opened = document.querySelector("details[data-opened]");
    if (!document.hidden && !typed && !opened && getSelection().isCollapsed) {
      location.reload();
    }
  }, 1000 * live.dataset.refresh);
  for (const details of document.querySelectorAll("details")) {
    details.querySelector("summary").addEventListener("click", () => { details.dataset.opened = ""; });
  }
}
