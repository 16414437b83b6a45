"use strict";

// What is cut off can be scrolled by keys, too.
addEventListener("load", () => {
  for (const box of document.querySelectorAll("pre, .output, .pst-scrollable-table-container"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
});

// Paper has no triangles to click: what is folded is printed open.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
