/* A number copied at the press of a button: <button data-copy="#id" data-copied="已复制">. */
(function () {
  "use strict";
  document.querySelectorAll("[data-copy]").forEach((button) => {
    const words = button.textContent;
    const select = (source) => {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
    };
    button.addEventListener("click", async () => {
      const source = document.querySelector(button.dataset.copy);
      if (!source) return;
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
      } catch (error) {
        /* Without a secure connection the browser keeps the clipboard to itself: select and copy the old way. */
        select(source);
        if (!document.execCommand("copy")) return;
      }
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = words), 3000);
    });
  });
})();
