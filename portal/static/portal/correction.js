/* Offers the usual phrases of a reason beside its row of the correction; a click puts one into the text. Without
   this script the button of the form fills the empty rows. */
(function () {
  "use strict";
  const list = document.getElementById("phrases");
  if (!list) return;
  const phrases = new Map();
  let code = "";
  for (const node of list.children) {
    if (node.tagName === "DT") phrases.set((code = node.textContent.trim()), []);
    else phrases.get(code).push(node.textContent.trim());
  }
  const every = new Set([...phrases.values()].flat());

  const furnish = (row) => {
    const select = row.querySelector("select[name$='-code']");
    const text = row.querySelector("textarea");
    if (!select || !text) return;
    const offer = document.createElement("div");
    offer.className = "phrases";
    offer.setAttribute("role", "group");
    offer.setAttribute("aria-label", list.dataset.label);
    text.closest(".field").append(offer);

    const put = (phrase) => {
      const kept = text.value.trim();
      text.value = !kept || every.has(kept) ? phrase : `${kept}\n${phrase}`;
      text.focus();
    };
    const show = () => {
      const usual = phrases.get(select.value) || [];
      offer.replaceChildren(
        ...usual.map((phrase) => {
          const button = document.createElement("button");
          button.type = "button";
          button.className = "phrase";
          button.textContent = phrase;
          button.addEventListener("click", () => put(phrase));
          return button;
        })
      );
      offer.hidden = !usual.length;
    };
    select.addEventListener("change", show);
    show();
  };
  document.querySelectorAll(".correction-row").forEach(furnish);
  for (const button of document.querySelectorAll("[data-fill]")) button.hidden = true;
})();
