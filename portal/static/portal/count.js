/* How much is written of how much may be: <textarea data-count="1000">. Line breaks count as one. */
(function () {
  "use strict";
  const english = (document.documentElement.lang || "").startsWith("en");
  document.querySelectorAll("textarea[data-count]").forEach((area) => {
    const most = Number(area.dataset.count);
    const words = document.createElement("p");
    words.className = "help char-count";
    words.setAttribute("aria-live", "polite");
    area.closest(".control").after(words);
    const tell = () => {
      const written = Array.from(area.value.trim()).length;
      const over = written - most;
      words.classList.toggle("char-count-over", over > 0);
      if (english) words.textContent = over > 0 ? `${written} of ${most} characters, ${over} too many` : `${written} of ${most} characters`;
      else words.textContent = over > 0 ? `已写 ${written} 字，超出 ${over} 字` : `已写 ${written} 字，还可写 ${most - written} 字`;
    };
    area.addEventListener("input", tell);
    tell();
  });
})();
