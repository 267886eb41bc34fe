// SPDX-License-Identifier: Apache-2.0

// Puts a copy button on every query. The pages work without it.
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
