// SPDX-License-Identifier: Apache-2.0

// Puts a copy button on every query, tells the values of a chart, and keeps a report
// fresh. The pages work without it.
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

// A chart tells its values where it is pointed at, tapped, or walked along with the
// arrow keys.
for (const chart of document.querySelectorAll("svg.chart")) {
  const [from, to, left, right] = ["from", "to", "left", "right"].map((name) => Number(chart.dataset[name]));
  const draw = (tag, attributes, into) => {
    const el = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
    return into.appendChild(el);
  };
  const layer = draw("g", { class: "told", "aria-hidden": true }, chart);
  const bottom = chart.viewBox.baseVal.height;
  const line = draw("line", { class: "at", y1: 14, y2: bottom - 22 }, layer);
  const clock = draw("text", { class: "axis strong", y: bottom - 7, "text-anchor": "middle" }, layer);
  const panels = [...chart.querySelectorAll(".panel")].map((panel) => {
    const d = panel.querySelector(".line").getAttribute("d");
    const points = [...d.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
    return {
      title: panel.querySelector(".panel-title")?.firstChild.data ?? "", points, values: panel.dataset.values.split("|"),
      dot: draw("circle", { class: "at", r: 3 }, layer),
      text: draw("text", { class: "axis strong", y: Number(panel.dataset.top) - 5, x: right, "text-anchor": "end" }, layer),
    };
  });
  const said = document.createElement("p");
  said.className = "unseen";
  said.setAttribute("role", "status");
  chart.after(said);
  let at = right;
  const tell = (x) => {
    at = Math.max(left, Math.min(right, x));
    const time = new Date(1000 * (from + (to - from) * (at - left) / (right - left))).toISOString().slice(11, 19);
    line.setAttribute("x1", at);
    line.setAttribute("x2", at);
    clock.setAttribute("x", Math.max(left + 20, Math.min(right - 20, at)));
    clock.textContent = time;
    const words = panels.map((p) => {
      let near = 0;
      p.points.forEach((q, i) => { if (Math.abs(q[0] - at) < Math.abs(p.points[near][0] - at)) near = i; });
      p.dot.setAttribute("cx", p.points[near][0]);
      p.dot.setAttribute("cy", p.points[near][1]);
      p.text.textContent = p.values[near];
      return p.title + " " + p.values[near];
    });
    layer.classList.add("shown");
    return time + " UTC: " + words.join("; ");
  };
  const place = (event) => {
    const box = chart.getBoundingClientRect();
    tell((event.clientX - box.left) * chart.viewBox.baseVal.width / box.width);
  };
  chart.addEventListener("pointermove", place);
  chart.addEventListener("pointerdown", place);
  chart.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") layer.classList.remove("shown"); });
  chart.tabIndex = 0;
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      said.textContent = tell(at + step * (right - left) / 60);
    }
  });
}
