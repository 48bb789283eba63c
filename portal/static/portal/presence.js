/* Who else has this case open: asked every 20 seconds while the page is looked at. */
(function () {
  "use strict";
  const line = document.querySelector("[data-presence]");
  const token = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (!line || !token) return;
  const words = line.querySelector("[data-presence-words]");
  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(line.dataset.presence, {
        method: "POST",
        headers: { "X-CSRFToken": token.value, "X-Requested-With": "XMLHttpRequest" },
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
      });
      const told = answer.ok ? (await answer.json()).words : "";
      if (words.textContent !== told) words.textContent = told;
      line.hidden = !told;
    } catch (error) {
      line.hidden = true;
    }
  };
  ask();
  setInterval(ask, 20000);
  document.addEventListener("visibilitychange", ask);
})();
