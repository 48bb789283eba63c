/* The session's end: a warning two minutes before, a line when it is over. Nothing typed leaves the page.
   Whether it really ends is asked of the server, so that all windows of a browser agree: what is done in one
   lets the session of all go on. Asking is no use of the session; only 继续使用 is. */
(function () {
  "use strict";
  const box = document.querySelector("[data-session]");
  if (!box || !window.fetch) return;
  box.hidden = false;
  const dialog = box.querySelector("dialog");
  const over = box.querySelector(".session-ended");
  const clock = box.querySelector("[data-session-clock]");
  const say = box.querySelector("[data-session-say]");
  const title = document.title;
  const warning = Number(box.dataset.warning) * 1000;
  const ASK_AGAIN = 10000;
  let end = Date.now() + Number(box.dataset.left) * 1000;
  let asked = Date.now();
  let asking = null;
  let ended = false;

  const token = () => box.querySelector("[name=csrfmiddlewaretoken]").value;
  const words = (text, seconds) =>
    text.replace("{m}", String(Math.floor(seconds / 60))).replace("{s}", String(text.includes("{m}") ? seconds % 60 : seconds));

  /* Somebody who signed in anew in another window has new tokens: the forms of this page take them over. */
  const renew = (fresh) =>
    document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((input) => (input.value = fresh));

  const shown = () => dialog.hasAttribute("open");
  const warn = () => {
    if (shown()) return;
    dialog.showModal ? dialog.showModal() : dialog.setAttribute("open", "");
    box.querySelector("[data-session-go-on]").focus();
    document.title = `${box.dataset.title} – ${title}`;
  };
  const calm = () => {
    if (shown()) dialog.close ? dialog.close() : dialog.removeAttribute("open");
    say.textContent = "";
    document.title = title;
  };
  const finish = () => {
    calm();
    ended = true;
    over.hidden = false;
  };

  const took = (answer) => {
    asked = Date.now();
    end = asked + answer.left * 1000;
    renew(answer.token);
    ended = answer.left <= 0 || answer.whose !== box.dataset.whose;
    over.hidden = !ended;
    if (ended) calm();
    else if (end - asked > warning) calm();
    return !ended;
  };
  const send = async (method, headers) => {
    const answer = await fetch(box.dataset.session, { method, headers, credentials: "same-origin", cache: "no-store", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    return took(await answer.json());
  };
  /* Whether the session goes on. Without an answer the page's own clock decides. */
  const ask = () => {
    asked = Date.now();
    asking = asking || send("GET", { "X-Requested-With": "XMLHttpRequest" })
      .catch(() => Date.now() < end || (finish(), false))
      .finally(() => (asking = null));
    return asking;
  };
  const goOn = () => send("POST", { "X-CSRFToken": token() }).catch(ask);

  const tick = () => {
    if (ended) return;
    const left = end - Date.now();
    if (left > warning) return;
    if (Date.now() - asked > ASK_AGAIN || (left <= 0 && Date.now() - asked > 1000)) ask();
    if (left <= 0) return;
    if (!shown() && Date.now() - asked <= ASK_AGAIN && !asking) warn();
    const seconds = Math.ceil(left / 1000);
    clock.textContent = words(box.dataset.clock, seconds);
    if ([60, 30, 10].includes(seconds)) say.textContent = words(box.dataset.soon, seconds);
  };
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ask());
  window.addEventListener("pageshow", (event) => event.persisted && ask());
  /* Who saves in the background learns of the end first. */
  document.addEventListener("session-ask", ask);

  box.querySelector("[data-session-go-on]").addEventListener("click", goOn);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); goOn(); });

  /* Signing in again: what was typed into a form that the server can hold goes along; other forms stay open here,
     and one signs in beside them. */
  const filled = (form) => new URLSearchParams(Array.from(new FormData(form)).filter(([name, value]) =>
    typeof value === "string" && name !== "csrfmiddlewaretoken")).toString();
  const chosen = (form) => Array.from(form.querySelectorAll("input[type=file]")).some((input) => input.files.length);
  const forms = Array.from(document.querySelectorAll("main form[method=post]")).map((form) =>
    [form, form.hasAttribute("data-unsaved") ? null : filled(form)]);
  const again = box.querySelector("[data-session-again]");
  again.addEventListener("click", async (event) => {
    const changed = forms.filter(([form, before]) => filled(form) !== before || chosen(form)).map(([form]) => form);
    const held = changed.find((form) => form.hasAttribute("data-hold"));
    again.href = `${box.dataset.signin}?next=${encodeURIComponent(location.pathname + location.search)}`;
    again.target = changed.length && !held ? "_blank" : "";
    if (!held) return;
    event.preventDefault();
    if (await ask()) return;
    const go = document.createElement("input");
    go.type = "hidden";
    go.name = "go";
    go.value = "keep";
    held.appendChild(go);
    HTMLFormElement.prototype.submit.call(held);
  });
})();
