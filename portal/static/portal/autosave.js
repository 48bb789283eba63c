/* A form that is being filled in saves by itself: every 20 seconds, when the page is left or hidden, as long as
   something changed. What is right is kept on the server; rows are added and photos sent by their buttons only. */
(function () {
  "use strict";
  const form = document.querySelector("form[data-autosave]");
  if (!form || !window.fetch || !window.URLSearchParams) return;
  const EVERY = 20000;
  const PATIENCE = 3000;
  const line = form.querySelector("[data-autosave-says]");
  const head = document.querySelector("[data-saved] .figures");
  const token = form.querySelector("[name=csrfmiddlewaretoken]");
  const typed = () => {
    const pairs = Array.from(new FormData(form)).filter(([name, value]) => typeof value === "string" && name !== token.name);
    return new URLSearchParams(pairs).toString();
  };
  /* What is shown again with its faults, or given back after signing in, is not on the server. */
  let saved = form.hasAttribute("data-unsaved") ? null : typed();
  let under = null;
  let given_up = false;

  const say = (words, time) => {
    const text = words.replace("{time}", time || "");
    if (line.textContent !== text) line.textContent = text;
  };
  const send = (what, leaving) => {
    const body = `${what}&go=keep&csrfmiddlewaretoken=${encodeURIComponent(token.value)}`;
    return fetch(form.action, {
      method: "POST", body, credentials: "same-origin", redirect: "error",
      keepalive: leaving && body.length < 60000,
      headers: { "X-Requested-With": "XMLHttpRequest", "Content-Type": "application/x-www-form-urlencoded" },
    });
  };
  const took = async (answer, what) => {
    if (answer.ok) {
      const { saved_at, whole } = await answer.json();
      saved = what;
      if (head) head.textContent = saved_at;
      say(whole ? line.dataset.whole : line.dataset.part, saved_at);
    } else if (answer.status === 401 || answer.status === 403) {
      /* The session is over, or another window has signed in anew: then the page gets a new token and tries again. */
      document.dispatchEvent(new Event("session-ask"));
      say(line.dataset.later);
    } else {
      given_up = answer.status < 500;
      say(given_up ? line.dataset.not : line.dataset.later);
    }
  };
  /* Save what changed; never two at a time. */
  const keep = (leaving) => {
    const what = typed();
    if (under || given_up || what === saved) return under || Promise.resolve();
    under = send(what, leaving).then((answer) => took(answer, what), () => say(line.dataset.later)).finally(() => (under = null));
    return under;
  };
  const settled = (work) => Promise.race([work, new Promise((done) => setTimeout(done, PATIENCE))]);

  setInterval(() => keep(false), EVERY);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keep(true));

  /* A button of this form sends everything itself: it waits for what is under way, so that the older never
     overtakes the newer, and nothing is saved in the background after it. */
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.formTarget === "_blank") return;
    if (under && form.requestSubmit) {
      event.preventDefault();
      event.stopImmediatePropagation();
      const button = event.submitter;
      settled(under).then(() => { under = null; form.requestSubmit(button); });
      return;
    }
    saved = typed();
    given_up = true;
  });
  window.addEventListener("pageshow", (event) => event.persisted && (given_up = false));

  /* Links and the other forms of the page (language, large type) lead away: what was typed is saved before. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.target === "_blank" || link.getAttribute("href").startsWith("#") || link.hasAttribute("download")) return;
    if (given_up || (!under && typed() === saved)) return;
    event.preventDefault();
    settled(keep(true)).then(() => location.assign(link.href));
  });
  document.addEventListener("submit", (event) => {
    const other = event.target;
    if (other === form || event.defaultPrevented || !other.requestSubmit || given_up || (!under && typed() === saved)) return;
    event.preventDefault();
    event.stopPropagation();
    const button = event.submitter;
    settled(keep(true)).then(() => { saved = typed(); other.requestSubmit(button); });
  }, true);
})();
