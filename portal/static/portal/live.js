/* A search that shows its results while one types: <form data-live="#results">. The page itself does the
   searching and works without this; what was ticked stays ticked when it is found again. */
(function () {
  "use strict";
  const PAUSE = 200;
  document.querySelectorAll("form[data-live]").forEach((form) => {
    let waiting = 0;
    let asked = 0;
    const address = () => `${location.pathname}?${new URLSearchParams(new FormData(form))}`;
    const show = async () => {
      const mine = ++asked;
      try {
        const answer = await fetch(address(), { credentials: "same-origin", cache: "no-store", redirect: "error" });
        if (!answer.ok || mine !== asked) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const here = document.querySelector(form.dataset.live);
        const fresh = page.querySelector(form.dataset.live);
        if (mine !== asked || !here || !fresh) return;
        const ticked = here.querySelector("input[type=radio]:checked");
        here.replaceChildren(...fresh.childNodes);
        const again = ticked && document.getElementById(ticked.id);
        if (again && !again.disabled) again.checked = true;
        here.setAttribute("aria-live", "polite");
      } catch (error) {
        /* The button still searches. */
      }
    };
    document.addEventListener("input", (event) => {
      if (event.target.form !== form || event.target.type !== "search" || event.isComposing) return;
      clearTimeout(waiting);
      waiting = setTimeout(show, PAUSE);
    });
    /* Input methods report the finished word by this event. */
    document.addEventListener("compositionend", (event) => {
      if (event.target.form !== form || event.target.type !== "search") return;
      clearTimeout(waiting);
      waiting = setTimeout(show, PAUSE);
    });
  });
})();
