"use strict";

// What is wider than the page can be scrolled by keys, too.
const BOXES = "pre, .output, .pst-scrollable-table-container, mjx-container[display]";
const letScroll = () => {
  for (const box of document.querySelectorAll(BOXES))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
};
addEventListener("load", () => {
  letScroll();
  window.MathJax?.startup.promise.then(letScroll);
});
addEventListener("resize", letScroll);

// A page opened from a file may not fetch others, so its search shows titles alone.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// Paper has no triangles to click: what is folded is printed open.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
