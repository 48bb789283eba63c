/* Keys of the queue beside j, k, o and x: "/" searches, "n" takes the next case, "?" shows the keys. */
(function () {
  "use strict";
  const typing = (target) => target.matches("input:not([type=checkbox]), select, textarea, [contenteditable]");
  const acts = {
    "/": () => document.querySelector("#filter-search"),
    n: () => document.querySelector("[data-next] button"),
    "?": () => document.querySelector("[data-keys] > summary"),
    g: () => document.querySelector("a.back"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (event.target.matches && typing(event.target)) return;
    const found = Object.hasOwn(acts, event.key) && acts[event.key]();
    if (!found) return;
    event.preventDefault();
    if (event.key === "/") {
      found.focus();
      found.select();
    } else {
      found.click();
    }
  });
})();
