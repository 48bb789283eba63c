/* While a file is being written the list is asked for again, ever more slowly. Without this script: a link. */
(function () {
  "use strict";
  const LONGEST = 15000;
  let pause = 500;
  const again = async () => {
    const list = document.getElementById("prepared");
    if (!list || !("waiting" in list.dataset)) return;
    try {
      const answer = await fetch(window.location.href, { credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("prepared");
      if (!answer.ok || !fresh) return;
      list.replaceWith(fresh);
    } catch (error) {
      /* The next turn may reach the server again. */
    }
    pause = Math.min(pause * 1.3, LONGEST);
    window.setTimeout(again, pause);
  };
  window.setTimeout(again, pause);
})();
