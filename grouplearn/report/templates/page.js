"use strict";
for (const orbit of document.querySelectorAll("[data-orbit]")) {
  const slider = orbit.querySelector("input[type=range]");
  const chosen = orbit.querySelector("select");
  const words = orbit.querySelector("output");
  const show = () => {
    const element = Number(slider.value);
    orbit.querySelectorAll("[data-sample]").forEach((sample, number) => {
      sample.hidden = number !== (chosen ? chosen.selectedIndex : 0);
      sample.querySelectorAll("[data-frame]").forEach((frame, g) => {
        frame.hidden = g !== element;
        if (g === element) {
          words.textContent = `${element + 1} of ${Number(slider.max) + 1}: ${frame.dataset.frame}`;
          slider.setAttribute("aria-valuetext", frame.dataset.frame);
        }
      });
    });
  };
  for (const button of orbit.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => {
      const count = Number(slider.max) + 1;
      slider.value = (Number(slider.value) + Number(button.dataset.step) + count) % count;
      show();
    });
  }
  slider.addEventListener("input", show);
  if (chosen) chosen.addEventListener("change", show);
  orbit.querySelector(".controls").hidden = false;
  show();
}

const numberOf = (text) => {
  const found = text.replace(/,/g, "").match(/^\s*[-+]?\d*\.?\d+(e[-+]?\d+)?/i);
  return found ? Number(found[0]) : NaN;
};
// Cells without a number stand below those with one, in either order.
const compare = (one, other, sign) => {
  const [a, b] = [numberOf(one), numberOf(other)];
  if (Number.isNaN(a) !== Number.isNaN(b)) return Number.isNaN(a) ? 1 : -1;
  return sign * (Number.isNaN(a) ? one.localeCompare(other) : a - b);
};
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const order = next[head.getAttribute("aria-sort")];
      heads.forEach((each) => each.hasAttribute("aria-sort") && each.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      const sign = order === "descending" ? -1 : 1;
      const text = (row) => row.cells[column].textContent.trim();
      const sorted = order === "none" ? rows : [...rows].sort((a, b) => compare(text(a), text(b), sign));
      body.append(...sorted);
    });
  });
}

const reach = () => {
  for (const box of document.querySelectorAll(".wide, .scroll, pre")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
window.addEventListener("resize", reach);
window.addEventListener("load", reach);
