/* Small helps on top of pages that work without them. No library, nothing inline. */
(function () {
  "use strict";
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  document.documentElement.classList.add("js");

  /* The error summary takes the focus, so that it is read and seen first. */
  const summary = document.querySelector("[data-focus]");
  if (summary) summary.focus();

  /* A link to a group of choices lands on its first choice. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".error-summary a[href^='#']");
    if (!link) return;
    const target = document.getElementById(link.getAttribute("href").slice(1));
    const field = target && (target.matches("input, select, textarea") ? target : target.querySelector("input, select, textarea"));
    if (!field) return;
    event.preventDefault();
    field.focus({ preventScroll: true });
    (field.closest(".field") || field).scrollIntoView({ block: "center" });
  });

  /* One click: a form that is on its way is not sent again, its button shows that it is busy.
     Forms that answer with a file say data-again; what opens elsewhere leaves this page as it is. Coming back by history, or 20 seconds, frees them. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if ((form.getAttribute("method") || "").toLowerCase() !== "post" || form.hasAttribute("data-again")) return;
    if (event.submitter && event.submitter.formTarget === "_blank") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = event.submitter || form.querySelector("button[type=submit]");
    if (button) button.setAttribute("aria-busy", "true");
    setTimeout(refresh, 20000);
  });
  const refresh = () => {
    all("form[data-sent]").forEach((form) => delete form.dataset.sent);
    all("button[aria-busy=true]").forEach((button) => button.removeAttribute("aria-busy"));
  };
  window.addEventListener("pageshow", refresh);

  /* An open menu closes by Escape or a click elsewhere. */
  const closeMenus = (except) => all("details.look-menu[open]").forEach((menu) => menu !== except && (menu.open = false));
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.look-menu")));
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(null));

  /* The notice board asks again every 15 seconds while it is looked at. */
  all("[data-board]").forEach((board) => {
    const list = board.querySelector("[data-board-list]");
    const news = board.querySelector("[data-board-news]");
    let etag = board.dataset.etag ? `"${board.dataset.etag.replace(/"/g, "")}"` : "";
    let waiting = 15000;
    const ask = async () => {
      if (!document.hidden) {
        try {
          const headers = { "X-Requested-With": "XMLHttpRequest" };
          if (etag) headers["If-None-Match"] = etag;
          const answer = await fetch(board.dataset.board, { headers, credentials: "same-origin", cache: "no-store", redirect: "error" });
          if (answer.status === 200 && list.contains(document.activeElement)) {
            /* Nothing changes under the reader's hands: asked again when the focus has gone on. */
          } else if (answer.status === 200) {
            list.innerHTML = await answer.text();
            if (etag) news.textContent = board.dataset.news;
            etag = answer.headers.get("ETag") || "";
          }
          waiting = answer.ok || answer.status === 304 ? 15000 : Math.min(waiting * 2, 240000);
        } catch (error) {
          waiting = Math.min(waiting * 2, 240000);
        }
      }
      setTimeout(ask, waiting);
    };
    setTimeout(ask, Number(board.dataset.every || 15) * 1000);
    document.addEventListener("visibilitychange", () => { waiting = 15000; });
  });

  /* Captcha: another picture without losing what is typed. */
  all("[data-captcha]").forEach((box) => {
    const again = box.querySelector(".captcha-again");
    again.addEventListener("click", async (event) => {
      event.preventDefault();
      const answer = await fetch(box.dataset.captcha, { headers: { "X-Requested-With": "XMLHttpRequest" }, credentials: "same-origin" });
      if (!answer.ok) return;
      const fresh = await answer.json();
      const [key, text] = box.querySelectorAll("input");
      const voice = box.querySelector(".captcha-voice");
      if (voice) voice.href = voice.href.replace(key.value, fresh.key);
      box.dispatchEvent(new Event("captcha-new"));
      key.value = fresh.key;
      box.querySelector("img").src = fresh.image_url;
      text.value = "";
      text.focus();
    });
  });

  /* Captcha: its digits are read aloud on the spot; pressed again, it is quiet. */
  all(".captcha-voice").forEach((voice) => {
    const box = voice.closest(".captcha");
    const news = box.querySelector("[role=status]");
    let sound = null;
    const hush = () => {
      if (sound) sound.pause();
      sound = null;
      voice.setAttribute("aria-pressed", "false");
    };
    const tell = (words) => { news.textContent = words; };
    voice.setAttribute("role", "button");
    voice.setAttribute("aria-pressed", "false");
    box.addEventListener("captcha-new", () => { hush(); tell(""); });
    voice.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      voice.click();
    });
    voice.addEventListener("click", (event) => {
      event.preventDefault();
      if (sound) return hush();
      sound = new Audio(voice.href);
      sound.addEventListener("ended", hush);
      sound.addEventListener("error", () => { hush(); tell(voice.dataset.gone); });
      voice.setAttribute("aria-pressed", "true");
      sound.play().catch(() => hush());
    });
  });

  /* The chosen photo is shown before it is sent: <input type=file data-preview="#photo">. */
  all("input[type=file][data-preview]").forEach((input) => {
    input.addEventListener("change", () => {
      const frame = document.querySelector(input.dataset.preview);
      const file = input.files[0];
      if (!frame || !file || !file.type.startsWith("image/")) return;
      const picture = document.createElement("img");
      picture.alt = "";
      picture.src = URL.createObjectURL(file);
      picture.onload = () => URL.revokeObjectURL(picture.src);
      frame.replaceChildren ? frame.replaceChildren(picture) : ((frame.textContent = ""), frame.appendChild(picture));
    });
  });

  /* Filters apply when chosen; the button stays for those without JavaScript. */
  all("form.filters[data-auto]").forEach((form) =>
    form.addEventListener("change", (event) => event.target.matches("select") && form.submit()));

  /* Queues: a click on a row opens it, j/k move, o opens, x ticks. */
  all("table[data-queue]").forEach((table) => {
    const rows = all("tbody tr", table);
    const link = (row) => row.querySelector("a[href]");
    const tick = (row) => row.querySelector("input[type=checkbox]");
    let here = -1;
    const stand = (index) => {
      if (!rows.length) return;
      if (rows[here]) rows[here].classList.remove("is-here");
      here = Math.max(0, Math.min(rows.length - 1, index));
      rows[here].classList.add("is-here");
      const anchor = link(rows[here]);
      if (anchor) anchor.focus({ preventScroll: true });
      rows[here].scrollIntoView({ block: "nearest" });
    };
    table.addEventListener("click", (event) => {
      const row = event.target.closest("tbody tr");
      if (!row || event.target.closest("a, button, input, label, select, summary") || String(window.getSelection())) return;
      const anchor = link(row);
      if (anchor) event.ctrlKey || event.metaKey ? window.open(anchor.href) : anchor.click();
    });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target.matches("input:not([type=checkbox]), select, textarea")) return;
      if (event.key === "j") stand(here + 1);
      else if (event.key === "k") stand(here - 1);
      else if (event.key === "o" && rows[here]) link(rows[here]).click();
      else if (event.key === "x" && rows[here] && tick(rows[here])) tick(rows[here]).click();
      else return;
      event.preventDefault();
    });
  });

  /* Ticks: all at once, how many, and the bar that acts on them. */
  all("[data-bulk]").forEach((bar) => {
    const form = document.getElementById(bar.dataset.bulk);
    if (!form) return;
    const every = form.querySelector("input[data-tick-all]");
    const ticks = all("tbody .tick input[type=checkbox]", form);
    const count = bar.querySelector("[data-bulk-count]");
    const tell = () => {
      const ticked = ticks.filter((tick) => tick.checked);
      ticks.forEach((tick) => tick.closest("tr").classList.toggle("is-ticked", tick.checked));
      count.textContent = String(ticked.length);
      bar.classList.toggle("is-idle", ticked.length === 0);
      if (every) {
        every.checked = ticks.length > 0 && ticked.length === ticks.length;
        every.indeterminate = ticked.length > 0 && !every.checked;
      }
    };
    if (every) every.addEventListener("change", () => { ticks.forEach((tick) => (tick.checked = every.checked)); tell(); });
    ticks.forEach((tick) => tick.addEventListener("change", tell));
    window.addEventListener("pageshow", tell);
    tell();
  });

  /* A page that prints itself at the press of a button: <button type="button" data-print>. */
  all("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
})();
