/* Papers are uploaded as soon as they are chosen, one by one, with a bar that tells how far it is. Photographs of
   a telephone are made smaller before they are sent. Without this script the same form is sent by its button. */
(function () {
  "use strict";
  const section = document.getElementById("papers");
  if (!section || !section.dataset.papers || !window.XMLHttpRequest || !window.DOMParser) return;
  const LARGEST = Number(section.dataset.largest);
  /* The server keeps no more than this; what is a good deal larger is made smaller here. */
  const LONG_SIDE = 2000;
  const WORTH_SHRINKING = 1200000;
  const HEIF = /^(heic|heix|hevc|heim|heis|mif1|msf1|avif)$/;

  const words = (name, values) =>
    Object.entries(values || {}).reduce((text, [key, value]) => text.split(`{${key}}`).join(String(value)), section.dataset[name]);

  /* --- What a file is ------------------------------------------------------------------------ */
  const kindOf = async (file) => {
    const bytes = new Uint8Array(await file.slice(0, 16).arrayBuffer());
    const text = String.fromCharCode(...bytes);
    if (text.startsWith("\xff\xd8\xff")) return "picture";
    if (text.startsWith("\x89PNG\r\n\x1a\n")) return "picture";
    if (text.startsWith("%PDF-")) return "pdf";
    if (text.slice(4, 8) === "ftyp" && HEIF.test(text.slice(8, 12))) return "heic";
    return "";
  };
  const shown = (file) => new Promise((resolve, reject) => {
    const picture = new Image();
    const url = URL.createObjectURL(file);
    picture.onload = () => { URL.revokeObjectURL(url); resolve(picture); };
    picture.onerror = () => { URL.revokeObjectURL(url); reject(new Error("no picture")); };
    picture.src = url;
  });
  /* A JPEG with the long side the server keeps; the file itself where that is no gain or cannot be done. */
  const smaller = async (file, kind) => {
    if (kind === "pdf" || (kind === "picture" && file.size < WORTH_SHRINKING)) return file;
    try {
      const picture = await shown(file);
      const scale = Math.min(1, LONG_SIDE / Math.max(picture.naturalWidth, picture.naturalHeight));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.naturalWidth * scale);
      canvas.height = Math.round(picture.naturalHeight * scale);
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#ffffff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.imageSmoothingQuality = "high";
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.88));
      return blob && (blob.size < file.size || kind === "heic") ? blob : file;
    } catch (error) {
      return file;
    }
  };

  /* --- Sending ------------------------------------------------------------------------------- */
  const send = (form, file, name, tell) => new Promise((resolve) => {
    const data = new FormData();
    form.querySelectorAll("input[type=hidden]").forEach((input) => data.append(input.name, input.value));
    data.append("files", file, name);
    const link = new XMLHttpRequest();
    link.open("POST", form.action);
    link.setRequestHeader("Accept", "application/json");
    link.upload.onprogress = (event) => event.lengthComputable && tell(Math.floor((100 * event.loaded) / event.total));
    link.onload = () => {
      let answer = null;
      try { answer = JSON.parse(link.responseText); } catch (error) { answer = null; }
      if (answer && Array.isArray(answer.faults)) resolve(answer.faults);
      else if (link.status === 413) resolve([words("large", { name, size: (file.size / 1048576).toFixed(1) })]);
      else if (link.status === 200 || link.status === 401 || link.status === 403) resolve([words("session")]);
      else resolve([words("failed", { name })]);
    };
    link.onerror = link.onabort = link.ontimeout = () => resolve([words("failed", { name })]);
    link.send(data);
  });

  /* Why a file is not sent at all; an empty string when it is. */
  const refused = (file, kind, name) => {
    if (!file.size) return words("empty", { name });
    if (!kind) return words("type", { name });
    if (file.size > LARGEST) return words("large", { name, size: (file.size / 1048576).toFixed(1) });
    return "";
  };

  const upload = async (form) => {
    const input = form.querySelector("input[type=file]");
    const bar = form.querySelector("progress");
    const says = form.querySelector("[data-upload-says]");
    const files = Array.from(input.files);
    if (!files.length || form.dataset.busy) return;
    form.dataset.busy = "1";
    input.disabled = true;
    bar.hidden = false;
    const faults = [];
    let count = 0;
    for (const file of files) {
      bar.removeAttribute("value");
      says.textContent = words("preparing", { name: file.name });
      const kind = await kindOf(file).catch(() => "");
      const ready = await smaller(file, kind);
      const still = kind === "heic" && ready === file;
      const why = still ? words("heic", { name: file.name }) : refused(ready, kind, file.name);
      if (why) { faults.push(why); continue; }
      const name = ready === file ? file.name : file.name.replace(/\.\w+$/, "") + ".jpg";
      const found = await send(form, ready, name, (part) => {
        bar.value = part;
        says.textContent = part < 100 ? words("sending", { name: file.name, part }) : words("checking", { name: file.name });
      });
      faults.push(...found);
      if (!found.length) count += 1;
    }
    await renew(form.closest(".paper-item").id, count, faults);
  };

  /* --- The part anew ------------------------------------------------------------------------- */
  const renew = async (item, count, faults) => {
    try {
      const answer = await fetch(section.dataset.papers, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("papers");
      section.replaceChildren ? section.replaceChildren(...fresh.childNodes) : (section.innerHTML = fresh.innerHTML);
    } catch (error) {
      section.querySelectorAll("[data-busy]").forEach((form) => {
        delete form.dataset.busy;
        form.querySelector("input[type=file]").disabled = false;
        form.querySelector("progress").hidden = true;
      });
    }
    begin();
    settle();
    const here = document.getElementById(item);
    const says = here && here.querySelector("[data-upload-says]");
    if (!says) return;
    says.textContent = "";
    const line = (text, tone) => {
      const words = document.createElement("p");
      words.className = tone;
      words.textContent = text;
      says.appendChild(words);
    };
    if (count) line(words("done", { count }), "paper-done");
    faults.forEach((fault) => line(fault, "wrong"));
  };

  /* The list of what is missing on top of the page forgets what has been uploaded since. */
  const settle = () => {
    document.querySelectorAll(".error-summary a[href^='#paper-']").forEach((link) => {
      const item = document.getElementById(link.getAttribute("href").slice(1));
      if (!item || !item.querySelector(".tag-red, .tag-amber")) (link.closest("li") || link).remove();
    });
    document.querySelectorAll(".error-summary").forEach((box) => { if (!box.querySelector("a[href]")) box.remove(); });
  };

  const begin = () => section.classList.add("is-live");
  section.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-upload]");
    if (form && event.target.matches("input[type=file]")) upload(form);
  });
  section.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-upload]");
    if (!form) return;
    event.preventDefault();
    event.stopPropagation();
    const input = form.querySelector("input[type=file]");
    if (input.files.length) upload(form);
    else input.click();
  });
  begin();
})();
